"""Orders: lifecycle, rules of the database, leases, reservations, service."""
