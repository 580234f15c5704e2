-- pgbench's side: one row of a signal's width, with a hash that the table verifies, in a transaction of its own.
\set number random(1, 9000000000000000)
\set price random(10000, 99999)
WITH given AS (
    SELECT '{"action": "BUY", "confidence": 87.25, "entry_price": ' || :price::float8 / 100
           || ', "signal_id": "' || to_hex(:number::bigint) || '", "stop_price": 257.36, "strategy": "weighted_consensus_v6", '
           || '"symbol": "AAPL", "target_price": 282.41, "timestamp": "2026-11-01T13:30:02.254258+00:00"}' AS canonical)
INSERT INTO signals (symbol, action, price, target_price, stop_loss, confidence, rationale, verification_hash,
                     is_active, created_at, retention_expires_at, server_timestamp, generation_latency_ms,
                     delivery_latency_ms, chain_index, previous_hash, provider, external_signal_id, signal_timestamp,
                     strategy, asset_type, data_source, regime, consensus_agreement, sources_count,
                     provider_server_timestamp, canonical)
SELECT 'AAPL', 'BUY', :price::float8 / 100, 282.41, 257.36, 0.8725,
       'BUY signal generated for AAPL with 87.25% confidence, based on consensus of 3 data sources. Regime: Trending.',
       encode(sha256(convert_to(canonical, 'UTF8')), 'hex'), true, now(), now() + interval '7 years',
       extract(epoch FROM now()), 3, 120, (:number::bigint % 2000000000)::int, md5(canonical) || md5(canonical), 'argo',
       to_hex(:number::bigint), '2026-11-01T13:30:02.254258+00:00', 'weighted_consensus_v6', 'stock', 'weighted_consensus',
       'TRENDING', 0.75, 3, 1793539802.254258, canonical
  FROM given
RETURNING id;
