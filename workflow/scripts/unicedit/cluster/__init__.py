"""What surrounds a run on a Slurm cluster: whether the cluster fits the profile, what jobs asked and used, and jobs that outlived their Snakemake."""
