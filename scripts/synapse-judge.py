"""Answers what Synapse makes of rooms: how it resolves their states, and which events it authorises.

Reads rooms as JSON from stdin, writes one answer per room as JSON to stdout (shapes: synapse-differential.test.ts).
Run by the Python of the environment that synapse.ts installs. Drives Synapse's own functions with events that carry the
IDs they were given, since rooms made for tests are not signed.
"""

import asyncio
import json
import sys

from synapse import event_auth
from synapse.api.errors import AuthError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

CREATE = ("m.room.create", "")


class Event:
    """As much of an event as resolution and the auth rules look at."""

    def __init__(self, fields, room_version):
        self.event_id = fields["eventId"]
        self.room_id = fields["roomId"]
        self.type = fields["type"]
        self.sender = self.user_id = fields["sender"]
        self.content = fields["content"]
        self.origin_server_ts = fields["originServerTs"]
        self.depth = fields["depth"]
        self.room_version = room_version
        self.rejected_reason = None
        self._prev_events = fields["prevEvents"]
        self._auth_events = list(fields["authEvents"])
        # Synapse counts the create event among the auth events where the room ID implies it.
        if room_version.msc4291_room_ids_as_hashes and self.type != CREATE[0]:
            self._auth_events.append("$" + self.room_id[1:])
        if "stateKey" in fields:
            self.state_key = fields["stateKey"]

    @property
    def membership(self):
        return self.content.get("membership")

    def is_state(self):
        return hasattr(self, "state_key")

    def get_state_key(self):
        return getattr(self, "state_key", None)

    def auth_event_ids(self):
        return self._auth_events

    def prev_event_ids(self):
        return self._prev_events


class Clock:
    async def sleep(self, _duration):
        return None


class Store:
    """The event store that resolution asks, over a map of events; differences by their plain definition."""

    def __init__(self, events):
        self._events = events

    async def get_events(self, event_ids, allow_rejected=False):
        return {i: self._events[i] for i in event_ids if i in self._events}

    def _chain(self, event_ids):
        chain, pending = set(), list(event_ids)
        while pending:
            event_id = pending.pop()
            if event_id in self._events and event_id not in chain:
                chain.add(event_id)
                pending += self._events[event_id].auth_event_ids()
        return chain

    async def get_auth_chain_difference(self, _room_id, state_sets, conflicted, _unpersisted):
        chains = [self._chain(state_set) for state_set in state_sets]
        difference = set().union(*chains) - set.intersection(*chains)
        if conflicted is None:
            return StateDifference(auth_difference=difference, conflicted_subgraph=None)
        between = {i for i in self._chain(conflicted) if self._chain([i]) & conflicted}
        return StateDifference(auth_difference=difference, conflicted_subgraph=between)


def by_key(event_ids, events):
    return {(events[i].type, events[i].state_key): i for i in event_ids}


async def resolve(room, version, events):
    states = [by_key(state, events) for state in room["states"]]
    store = Store(events)
    if version.identifier == "1":
        state = await v1.resolve_events_with_store(room["roomId"], version, states, dict(events), store.get_events)
    else:
        state = await v2.resolve_events_with_store(Clock(), room["roomId"], version, states, None, store)
    return sorted(state.values())


def authorise(attempt, version, events):
    event = events[attempt["eventId"]]
    state = by_key(attempt["state"], events)
    keys = event_auth.auth_types_for_event(version, event)
    auth_events = {key: events[state[key]] for key in keys if key in state}
    if version.msc4291_room_ids_as_hashes:
        auth_events[CREATE] = events["$" + event.room_id[1:]]
    try:
        event_auth.check_state_dependent_auth_rules(event, auth_events.values())
        return True
    except AuthError:
        return False


async def judge(room):
    version = KNOWN_ROOM_VERSIONS[room["version"]]
    events = {fields["eventId"]: Event(fields, version) for fields in room["events"]}
    return {
        "resolved": await resolve(room, version, events),
        "authorised": [authorise(attempt, version, events) for attempt in room["attempts"]],
    }


async def main():
    json.dump([await judge(room) for room in json.load(sys.stdin)], sys.stdout)


asyncio.run(main())
