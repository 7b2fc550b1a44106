"""The contributor's pages, `/me`: agree, hear, delete, take home, take back."""
