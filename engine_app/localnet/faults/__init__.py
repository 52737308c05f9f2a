"""How a local chain can be made to misbehave, for tests: faults that apply to requests, sends, reads and slots."""
