"""Running the site: settings of the group, scheduler, heartbeats, status, statistics, cleanup, sample."""
