/* SPDX-License-Identifier: MIT */
#include "svsm/process/service.h"

#include "svsm/base/panic.h"
#include "svsm/process/files.h"

#define SERVICE_PID 1 /* each is alone in its world */

enum status service_create(struct service *service, const struct boot_service *image)
{
    struct process *process = &service->process;
    enum status status =
        process_create(process, SERVICE_PID, image->name, gpa(image->gpa), (size_t)image->size);

    process->files[SERVICE_FD_STDOUT] = file_log(image->name);
    process->files[SERVICE_FD_STDERR] = file_log(image->name);
    process->files[CHANNEL_FD] = file_channel(&service->channel);
    return status;
}

enum status service_start(struct service *service)
{
    return process_run(&service->process);
}

struct writer service_request(struct service *service, uint32_t operation)
{
    struct writer w = writer_over(service->channel.request, sizeof(service->channel.request));

    CHECK(writer_le32(&w, operation));
    return w;
}

enum status service_call(struct service *service, const struct writer *request,
                         uint32_t *status_word, struct reader *response)
{
    struct channel *channel = &service->channel;
    enum status status;

    channel->request_size = request->used;
    channel->answer_due = false;
    channel->response_size = 0;
    status = process_run(&service->process);
    if (status != STATUS_OK)
        return status;
    *response = reader_over(channel->response, channel->response_size);
    return reader_le32(response, status_word) ? STATUS_OK : STATUS_NO_RESPONSE;
}
