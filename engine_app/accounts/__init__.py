"""Who may trade: users, passwords, sessions."""
