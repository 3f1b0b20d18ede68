"""What manages a node: the services of its lifecycle, and the events that tell of it."""

from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState

from peer import Peer

UNCONFIGURED, INACTIVE = State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE
ACTIVE, FINALIZED = State.PRIMARY_STATE_ACTIVE, State.PRIMARY_STATE_FINALIZED
CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP
SHUTDOWN = {UNCONFIGURED: Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
            INACTIVE: Transition.TRANSITION_INACTIVE_SHUTDOWN, ACTIVE: Transition.TRANSITION_ACTIVE_SHUTDOWN}


def described(transitions) -> list[tuple]:
    return [(t.transition.id, t.transition.label, t.start_state.id, t.start_state.label, t.goal_state.id,
             t.goal_state.label) for t in transitions]


class Managed:
    """A managed node, seen through a peer's executor."""

    def __init__(self, peer: Peer, name: str = ""):
        self.peer, self.name = peer, name or peer.planner
        self.events: list[TransitionEvent] = []
        # First: a node that answers one of the clients has been told of what was created before it.
        self._listening = peer.node.create_subscription(TransitionEvent, f"{self.name}/transition_event",
                                                        self.events.append, 100)
        client = lambda kind, service: peer.node.create_client(kind, f"{self.name}/{service}")  # noqa: E731
        self._change = client(ChangeState, "change_state")
        self._state = client(GetState, "get_state")
        self._states = client(GetAvailableStates, "get_available_states")
        self._transitions = client(GetAvailableTransitions, "get_available_transitions")
        self._graph = client(GetAvailableTransitions, "get_transition_graph")

    def connect(self) -> "Managed":
        clients = [self._change, self._state, self._states, self._transitions, self._graph]
        self.peer.wait(lambda: all(client.service_is_ready() for client in clients), "the lifecycle services")
        self.peer.wait(self._listening.get_publisher_count, "the publisher of transition_event")
        self.state()
        return self

    def ask_for(self, id: int = 0, label: str = ""):
        """Asks for a transition and gives the future answer."""
        return self._change.call_async(ChangeState.Request(transition=Transition(id=id, label=label)))

    def change(self, id: int = 0, label: str = "", patience: float = 30.0) -> bool:
        return self.peer.wait(_Answer(self.ask_for(id, label)), "an answer of change_state", patience).success

    def state(self, patience: float = 30.0) -> int:
        return self._answer(self._state, GetState.Request(), patience).current_state.id

    def named_state(self) -> tuple[int, str]:
        state = self._answer(self._state, GetState.Request()).current_state
        return state.id, state.label

    def states(self) -> list[tuple[int, str]]:
        found = self._answer(self._states, GetAvailableStates.Request()).available_states
        return [(state.id, state.label) for state in found]

    def transitions(self) -> list[tuple]:
        return described(self._answer(self._transitions, GetAvailableTransitions.Request()).available_transitions)

    def graph(self) -> list[tuple]:
        return described(self._answer(self._graph, GetAvailableTransitions.Request()).available_transitions)

    def _answer(self, client, request, patience: float = 30.0):
        return self.peer.wait(_Answer(client.call_async(request)), f"an answer of {client.srv_name}", patience)


class _Answer:
    """True, in the sense of `Peer.wait`, with what has been answered."""

    def __init__(self, future):
        self.future = future

    def __call__(self):
        return self.future.result() if self.future.done() else None
