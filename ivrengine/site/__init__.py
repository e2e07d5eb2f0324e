"""The site's people and queues as one document: what may stand in it, reading and writing it, comparing two of them. Touches no disk."""
