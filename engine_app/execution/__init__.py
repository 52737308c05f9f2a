"""Runs orders: resumable, never waiting in a thread, never two live signatures."""
