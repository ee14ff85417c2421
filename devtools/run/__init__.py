"""What `make run` starts: the database and every role of Haven on one machine."""
