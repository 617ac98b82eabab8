-- outside a transaction
-- Dropped first: an interrupted build leaves an invalid index behind, which IF NOT EXISTS would keep.
DROP INDEX CONCURRENTLY IF EXISTS idx_characters_user_id;
CREATE INDEX CONCURRENTLY idx_characters_user_id ON characters (user_id);
DROP INDEX CONCURRENTLY IF EXISTS idx_characters_race_archetype;
CREATE INDEX CONCURRENTLY idx_characters_race_archetype ON characters (race_id, archetype_id);
DROP INDEX CONCURRENTLY IF EXISTS idx_items_rarity;
CREATE INDEX CONCURRENTLY idx_items_rarity ON items (rarity);
DROP INDEX CONCURRENTLY IF EXISTS idx_users_email;
CREATE INDEX CONCURRENTLY idx_users_email ON users (email);
