-- Alpine's own table, for a database that does not have it yet. Where it is there, nothing here changes it.
-- Names, types and meanings are Alpine's: its web application reads and writes these columns.

DO $$
BEGIN
    IF to_regtype('signalaction') IS NULL THEN
        CREATE TYPE signalaction AS ENUM ('BUY', 'SELL');
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS signals (
    id                    serial PRIMARY KEY,
    symbol                varchar(20) NOT NULL,
    action                signalaction NOT NULL,
    price                 double precision NOT NULL,
    confidence            double precision NOT NULL,
    target_price          double precision,
    stop_loss             double precision,
    rationale             text NOT NULL,
    verification_hash     varchar(64) NOT NULL,
    is_active             boolean NOT NULL,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz,
    user_id               integer,
    retention_expires_at  timestamptz,
    previous_hash         varchar(64),
    chain_index           integer,
    generation_latency_ms integer,
    delivery_latency_ms   integer,
    server_timestamp      double precision,
    CONSTRAINT check_confidence_range CHECK (confidence >= 0 AND confidence <= 1),
    CONSTRAINT check_price_positive CHECK (price > 0),
    CONSTRAINT check_target_price_positive CHECK (target_price IS NULL OR target_price > 0),
    CONSTRAINT check_stop_loss_positive CHECK (stop_loss IS NULL OR stop_loss > 0)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_signals_verification_hash ON signals (verification_hash);
CREATE INDEX IF NOT EXISTS ix_signals_id ON signals (id);
CREATE INDEX IF NOT EXISTS ix_signals_symbol ON signals (symbol);
CREATE INDEX IF NOT EXISTS ix_signals_action ON signals (action);
CREATE INDEX IF NOT EXISTS ix_signals_confidence ON signals (confidence);
CREATE INDEX IF NOT EXISTS ix_signals_created_at ON signals (created_at);
CREATE INDEX IF NOT EXISTS ix_signals_is_active ON signals (is_active);
CREATE INDEX IF NOT EXISTS ix_signals_user_id ON signals (user_id);
CREATE INDEX IF NOT EXISTS ix_signals_chain_index ON signals (chain_index);
CREATE INDEX IF NOT EXISTS ix_signals_previous_hash ON signals (previous_hash);
CREATE INDEX IF NOT EXISTS ix_signals_retention_expires_at ON signals (retention_expires_at);
CREATE INDEX IF NOT EXISTS idx_signal_active_confidence_created ON signals (is_active, confidence, created_at);
CREATE INDEX IF NOT EXISTS idx_signal_symbol_created ON signals (symbol, created_at);
