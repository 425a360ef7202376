"""What the run report holds beside the pictures of the tables: pages of the tables, a record of the run, the scores."""
