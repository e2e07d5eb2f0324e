"""Live calls: greenlets, waiting, timers. Performs what the pure core decides, feeds it what happened."""
