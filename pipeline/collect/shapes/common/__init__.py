"""What several shapes share: names of fields and roles, clocks, branches, who speaks."""
