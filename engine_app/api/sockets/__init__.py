"""Socket.IO for programs: live updates of orders, with everything that was missed told first."""
