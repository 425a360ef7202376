"""Programs that engines start in processes of their own: each alone in its imports, for its environment may hold nothing of this project."""
