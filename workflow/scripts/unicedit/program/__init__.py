"""A user's own program, run by the engine `python`: found and digested before any job, loaded in the job."""
