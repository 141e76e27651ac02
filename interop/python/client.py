"""A client of a stand, by httpx-sse:  client.py http://127.0.0.1:PORT"""
import sys

import httpx
import httpx_sse

BASE = sys.argv[1]
with httpx.Client(timeout=20, trust_env=False) as client:
    last = client.get(f"{BASE}/plan").json()["last"]
    events, end = [], "error"
    with httpx_sse.connect_sse(client, "GET", f"{BASE}/stream/0") as source:
        for sse in source.iter_sse():
            if sse.event == last:
                end = "last"
                break
            events.append({"event": sse.event, "data": sse.data, "id": sse.id, "retry": sse.retry})
    client.post(f"{BASE}/report/0", json={"end": end, "events": events})
