"""What bookkeepers ask and do: periods, charts of accounts, entries, exports, the tie-out and the month end."""
