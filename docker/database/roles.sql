-- The role that the receiver serves as: it may insert and read signals, and nothing else. Can be run again, for
-- example after its password was changed. psql runs it as the owner, after the migrations.
\set password `cat /run/secrets/receiver-password`

SELECT 'CREATE ROLE alpine_app LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'alpine_app') \gexec
ALTER ROLE alpine_app PASSWORD :'password';
GRANT INSERT, SELECT ON signals TO alpine_app;
