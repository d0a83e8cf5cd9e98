/* SPDX-License-Identifier: MIT */
#include "kbs/store/retired_names.h"

enum store_status retired_name_add(struct store_unit *unit, enum retired_kind kind,
                                   const char *name, unsigned version, time_t now)
{
    return DB_RUN(
        unit->db, "INSERT INTO retired_name (kind, name, version, retired) VALUES ($1, $2, $3, $4)",
        NULL, NULL, NULL, db_integer(kind), db_text(name), db_integer(version), db_integer(now));
}

enum store_status retired_name_find(struct store_unit *unit, enum retired_kind kind,
                                    const char *name, unsigned *version)
{
    const struct db_value by[] = {db_integer(kind), db_text(name)};
    int64_t found = 0;
    enum store_status status = db_ask_integer(
        unit->db, "SELECT version FROM retired_name WHERE kind = $1 AND name = $2", by, 2, &found);

    *version = (unsigned)found;
    return status;
}

enum store_status retired_name_forget(struct store_unit *unit, enum retired_kind kind,
                                      const char *name)
{
    return DB_RUN(unit->db, "DELETE FROM retired_name WHERE kind = $1 AND name = $2", NULL, NULL,
                  NULL, db_integer(kind), db_text(name));
}
