"""What each entity IS: declarations and pure functions. Knows no HTTP, no SQL, no engine."""
