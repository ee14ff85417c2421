"""Campaigns, their placements and how they are published."""
