/* pg_survey: one statement over one connection. */
#include "adapters/pg_survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg_conn.h"
#include "base/clock.h"

enum column {
    VERSION,
    VERSION_NUMBER,
    ROLE,
    ADDRESS,
    READ_ONLY,
    SUPERUSER,
    OWNER,
    HAS_TABLE,
    MAY_SELECT,
    MAY_INSERT,
    MAY_NUMBER,
    MAY_UPDATE,
    MAY_DELETE,
    MAY_TRUNCATE,
    HAS_FSYNC,
    HAS_FULL_PAGE_WRITES,
    NOW_US,
};

/* In the order of enum column. Without the table its rights are NULL, which reads as "no". An identity's numbers
 * need no right of their own; those of a serial column do. */
static const char survey_sql[] =
    "SELECT current_setting('server_version'), current_setting('server_version_num'), quote_ident(current_user), "
    "coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'a local socket'), "
    "pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, "
    "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
    "coalesce(pg_has_role(c.relowner, 'MEMBER'), false), c.oid IS NOT NULL, "
    "has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'), "
    "coalesce((SELECT a.attidentity <> '' OR has_sequence_privilege(s.name, 'USAGE') FROM pg_attribute a, LATERAL "
    "(SELECT pg_get_serial_sequence(c.oid::regclass::text, 'id')) AS s(name) "
    "WHERE a.attrelid = c.oid AND a.attname = 'id'), true), "
    "has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'), "
    "has_table_privilege(c.oid, 'TRUNCATE'), "
    "current_setting('fsync'), current_setting('full_page_writes'), "
    "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint "
    "FROM (SELECT to_regclass('signals') AS oid) AS found LEFT JOIN pg_class AS c ON c.oid = found.oid";

static bool is_true(PGresult *row, enum column column)
{
    const char *text = PQgetvalue(row, 0, (int)column);
    return !strcmp(text, "t") || !strcmp(text, "on");
}

static void copy_text(PGresult *row, enum column column, char *text, size_t size)
{
    (void)snprintf(text, size, "%s", PQgetvalue(row, 0, (int)column));
}

static void read_row(PGresult *row, struct pg_survey *survey)
{
    copy_text(row, VERSION, survey->version, sizeof survey->version);
    copy_text(row, ROLE, survey->role, sizeof survey->role);
    copy_text(row, ADDRESS, survey->address, sizeof survey->address);
    survey->version_number = (int)strtol(PQgetvalue(row, 0, VERSION_NUMBER), NULL, 10);
    survey->is_read_only = is_true(row, READ_ONLY);
    survey->is_superuser = is_true(row, SUPERUSER);
    survey->is_owner = is_true(row, OWNER);
    survey->has_table = is_true(row, HAS_TABLE);
    survey->rights = (struct pg_survey_rights){
        .may_select = is_true(row, MAY_SELECT),
        .may_insert = is_true(row, MAY_INSERT),
        .may_number = is_true(row, MAY_NUMBER),
        .may_update = is_true(row, MAY_UPDATE),
        .may_delete = is_true(row, MAY_DELETE),
        .may_truncate = is_true(row, MAY_TRUNCATE),
    };
    survey->has_fsync = is_true(row, HAS_FSYNC);
    survey->has_full_page_writes = is_true(row, HAS_FULL_PAGE_WRITES);
    survey->now_us = strtoll(PQgetvalue(row, 0, NOW_US), NULL, 10);
}

int pg_survey(const char *url, int64_t deadline_ns, struct pg_survey *survey, struct err *err)
{
    struct pg_conn *conn = pg_conn_open(url, deadline_ns, err);
    if (!conn)
        return -1;
    *survey = (struct pg_survey){.is_pooled = !pg_conn_is_ours(conn), .sent_us = clock_wall_us()};
    PGresult *row = pg_conn_run(conn, survey_sql, NULL, deadline_ns, err);
    survey->answered_us = clock_wall_us();
    if (row)
        read_row(row, survey);
    int result = row ? 0 : -1;
    PQclear(row);
    pg_conn_close(conn);
    return result;
}
