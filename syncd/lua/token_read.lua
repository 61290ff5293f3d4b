-- The cached token.
-- KEYS[1] hash of the token
-- Answers access, obtained, expires; nils when there is none.
return redis.call('HMGET', KEYS[1], 'access', 'obtained', 'expires')
