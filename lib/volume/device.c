/* SPDX-License-Identifier: MIT */
#include "lib/volume/device.h"

#include <openssl/crypto.h>
#include <string.h>

enum volume_status device_begin(struct device *device, const struct volume_storage *storage,
                                const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    uint64_t size;

    *device = (struct device){.storage = *storage};
    if (sector_cipher_key_is_weak(key))
        return VOLUME_WEAK_KEY;
    memcpy(device->key, key, SECTOR_CIPHER_KEY_SIZE);
    if (!sector_cipher_begin(&device->cipher, key))
        return VOLUME_NO_RESOURCES;
    if (!storage->size(storage->context, &size))
        return VOLUME_IO_FAILED;
    if (size < VOLUME_SIZE_MIN || size % VOLUME_SIZE_MULTIPLE != 0)
        return VOLUME_BAD_SIZE;
    device->sectors = size / SECTOR_SIZE;
    return VOLUME_OK;
}

void device_end(struct device *device)
{
    sector_cipher_end(&device->cipher);
    OPENSSL_cleanse(device, sizeof(*device));
}

enum volume_status device_read_raw(const struct device *device, uint64_t sector, void *data,
                                   size_t sectors)
{
    return device->storage.read(device->storage.context, sector, data, sectors) ? VOLUME_OK
                                                                                : VOLUME_IO_FAILED;
}

enum volume_status device_read(struct device *device, uint64_t sector, void *data, size_t sectors)
{
    enum volume_status status = device_read_raw(device, sector, data, sectors);

    if (status != VOLUME_OK)
        return status;
    return sector_decrypt(&device->cipher, sector, data, sectors) ? VOLUME_OK : VOLUME_NO_RESOURCES;
}

enum volume_status device_write(struct device *device, uint64_t sector, void *data, size_t sectors)
{
    if (!sector_encrypt(&device->cipher, sector, data, sectors))
        return VOLUME_NO_RESOURCES;
    return device->storage.write(device->storage.context, sector, data, sectors) ? VOLUME_OK
                                                                                 : VOLUME_IO_FAILED;
}

enum volume_status device_erase(const struct device *device, uint64_t sector)
{
    static const uint8_t zeros[SECTOR_SIZE];

    return device->storage.write(device->storage.context, sector, zeros, 1) ? VOLUME_OK
                                                                            : VOLUME_IO_FAILED;
}

enum volume_status device_flush(const struct device *device)
{
    return device->storage.flush(device->storage.context) ? VOLUME_OK : VOLUME_IO_FAILED;
}

uint64_t device_slot(const struct device *device, unsigned slot)
{
    const uint64_t places[SLOTS] = {
        0,
        device->sectors / 2 / BLOCK_SECTORS * BLOCK_SECTORS,
        device->sectors - BLOCK_SECTORS,
    };

    return places[slot];
}
