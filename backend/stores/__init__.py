"""Every query, one class a table. Stores flush and never commit: `services.unit_of_work` does."""
