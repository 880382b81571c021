"""What this machine does with a month: our stages beside bare floors, as ratios of one run."""
