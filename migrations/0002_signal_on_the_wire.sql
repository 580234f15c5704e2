-- What a signal carries and Alpine's table had no place for. Rows from before keep NULL in all of it.

ALTER TABLE signals
    ADD COLUMN IF NOT EXISTS provider                  text,
    ADD COLUMN IF NOT EXISTS external_signal_id        text,
    ADD COLUMN IF NOT EXISTS signal_timestamp          timestamptz,
    ADD COLUMN IF NOT EXISTS strategy                  text,
    ADD COLUMN IF NOT EXISTS asset_type                text,
    ADD COLUMN IF NOT EXISTS data_source               text,
    ADD COLUMN IF NOT EXISTS regime                    text,
    ADD COLUMN IF NOT EXISTS service_type              text,
    ADD COLUMN IF NOT EXISTS executor_id               text,
    ADD COLUMN IF NOT EXISTS generated_by              text,
    ADD COLUMN IF NOT EXISTS consensus_agreement       double precision,
    ADD COLUMN IF NOT EXISTS sources_count             integer,
    ADD COLUMN IF NOT EXISTS provider_server_timestamp double precision,
    ADD COLUMN IF NOT EXISTS canonical                 text;

COMMENT ON COLUMN signals.canonical IS
    'the exact text that verification_hash is the SHA-256 of';
COMMENT ON COLUMN signals.provider_server_timestamp IS
    'server_timestamp as the provider sent it (Unix seconds); server_timestamp itself is the receiver''s clock';

-- The database itself refuses a row that does not verify.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = 'signals'::regclass AND conname = 'check_canonical_verifies') THEN
        ALTER TABLE signals ADD CONSTRAINT check_canonical_verifies
            CHECK (encode(sha256(convert_to(canonical, 'UTF8')), 'hex') = verification_hash);
    END IF;
END $$;

CREATE UNIQUE INDEX IF NOT EXISTS ix_signals_provider_external_signal_id
    ON signals (provider, external_signal_id);
