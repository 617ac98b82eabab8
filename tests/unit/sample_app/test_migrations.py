"""The migrations that the image brings."""

from __future__ import annotations

from tests.sample_app.app.migrations import OUTSIDE, known, statements


def test_migrations_are_ordered() -> None:
    assert list(known()) == ["0001_counter.sql", "0002_fantasy.sql", "0003_indexes.sql"]


def test_concurrent_statements_run_outside_a_transaction_and_only_those() -> None:
    concurrent = {name for name, script in known().items() if "CONCURRENTLY" in script}
    assert (
        concurrent == {name for name, script in known().items() if script.startswith(OUTSIDE)} == {"0003_indexes.sql"}
    )


def test_the_four_indexes_are_made() -> None:
    made = [text for text in statements(known()["0003_indexes.sql"]) if text.startswith("CREATE")]
    assert made == [
        "CREATE INDEX CONCURRENTLY idx_characters_user_id ON characters (user_id)",
        "CREATE INDEX CONCURRENTLY idx_characters_race_archetype ON characters (race_id, archetype_id)",
        "CREATE INDEX CONCURRENTLY idx_items_rarity ON items (rarity)",
        "CREATE INDEX CONCURRENTLY idx_users_email ON users (email)",
    ]


def test_comments_and_empty_statements_are_dropped() -> None:
    assert statements("-- outside a transaction\n\nA\n  b;\n-- c;\n;B;\n") == ["A\n  b", "B"]
