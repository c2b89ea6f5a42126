"""Files written atomically, sealed and locked."""
