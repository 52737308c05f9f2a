"""What can be traded and at what price: tokens, pools, venues, routing."""
