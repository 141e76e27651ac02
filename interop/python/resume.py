"""A client that resumes, by httpx-sse, with a header of its own:  resume.py http://127.0.0.1:PORT"""
import sys

import httpx
import httpx_sse

BASE = sys.argv[1]


def follow(client, url, last):
    """httpx-sse does not connect again: its caller does."""
    events, event_id = [], ""
    while True:
        headers = {"Authorization": "Bearer interop"}
        if event_id:
            headers["Last-Event-ID"] = event_id.encode()
        with httpx_sse.connect_sse(client, "GET", url, headers=headers) as source:
            if source.response.status_code != 200:
                return {"end": "error", "events": events}
            for sse in source.iter_sse():
                event_id = sse.id
                if sse.event == last:
                    return {"end": "last", "events": events}
                events.append({"event": sse.event, "data": sse.data, "id": sse.id})


with httpx.Client(timeout=20, trust_env=False) as client:
    plan = client.get(f"{BASE}/plan").json()
    for i, path in enumerate(plan["paths"]):
        client.post(f"{BASE}/report/{i}", json=follow(client, BASE + path, plan["last"]))
