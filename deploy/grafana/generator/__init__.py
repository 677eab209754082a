"""Grafana's dashboards, written by a program: `make dashboards` writes ../dashboards/*.json and docs/dashboards.md's tables.

promql, look -> parts -> frame -> overview*, pair*, versions, health* -> document
"""
