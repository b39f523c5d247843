"""The clauses: the testable statements about the loopback endpoint, each with its source.

A clause holds what released FreeSWITCH does; `Documentation` says what the wiki has to say of it.
Sources: `wiki` is FreeSWITCH's page on the loopback endpoint, `facts` are the project's notes from
reading and measuring FreeSWITCH, by section, `history` are commits of FreeSWITCH.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """How firmly a clause stands.

    MUST is what the wiki promises and releases do, if with other figures or an exception; SHOULD
    what releases do and the wiki leaves open or denies; MAY what is racy or bound to a version.
    """

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Documentation(StrEnum):
    """What the wiki says of a clause: promises it, says nothing, or says otherwise."""

    AGREES = "agrees"
    SILENT = "silent"
    DIFFERS = "differs"


class Area(StrEnum):
    """What a clause is about; each area is one file of tests."""

    LEGS = "legs"
    TARGETS = "targets"
    BOWOUT = "bowout"
    EXPORTS = "exports"
    CDR = "cdr"


@dataclass(frozen=True, slots=True)
class Clause:
    """One testable statement: its stable name, which begins with its area, and what backs it.

    `since` is the release of FreeSWITCH from which on all of it holds, "" where none is known in
    which it does not; `documented` is what the wiki says where that differs.
    """

    name: str
    level: Level
    documentation: Documentation
    statement: str
    source: str
    since: str = ""
    documented: str = ""

    @property
    def area(self) -> Area:
        """What the clause is about."""
        return Area(self.name.partition(".")[0])


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY
AGREES, SILENT, DIFFERS = Documentation.AGREES, Documentation.SILENT, Documentation.DIFFERS

_LEGS = (
    Clause(
        "legs.pair-is-created",
        MUST,
        AGREES,
        "Dialling loopback/ creates two legs, loopback-a (outbound) and loopback-b (inbound). "
        "Where who dials is hung up as it does, loopback-b or both may be gone before they are "
        "told of.",
        "wiki, CDR Handling; mod_loopback channel_outgoing_channel, channel_on_init",
    ),
    Clause(
        "legs.no-other-legs",
        MUST,
        AGREES,
        "The call has the legs that its dialplans dial, and no others. At a bowout, or as "
        "loopback-a ends, loopback-b may begin with what comes next a moment before it is hung up.",
        "wiki, CDR Handling",
    ),
    Clause(
        "legs.bridged-to-whom-it-dials",
        MUST,
        AGREES,
        "A leg whose call is taken, early or answered, is bridged to it once; a bowout bridges "
        "the real legs once more.",
        "wiki, About and CDR Handling; facts 0; history 0a68bee88e (twice)",
        since="1.2.10",
    ),
    Clause(
        "legs.bridged-call-has-all-legs",
        MUST,
        AGREES,
        "While loopback-b is being bridged, every leg of the call is there, four with one pair, "
        "but for those that lose a race, bow out or are hung up just then.",
        "wiki, loopback_bowout: during call setup there are always 4 legs",
    ),
    Clause(
        "legs.real-legs-stay-after-bowout",
        MUST,
        AGREES,
        "Once the real legs are bridged to each other (0.1 s later among a hundred calls), only "
        "they are left of the call, unless loopback-a dialled one of them: the threads of either "
        "bridge may then be caught in it until the call ends.",
        "wiki, loopback_bowout: true results in 2 legs; history b04e4be512 (some legs of a chain "
        "stay), 0a68bee88e (dropped calls)",
        since="1.2.10",
    ),
    Clause(
        "legs.all-stay-without-bowout",
        MUST,
        AGREES,
        "A call whose bowout is refused keeps its loopback legs until it ends.",
        "wiki, loopback_bowout: false results in 4 legs; history 07c6022ef7",
        since="1.0.4",
    ),
    Clause(
        "legs.named-after-target",
        SHOULD,
        SILENT,
        "The legs are named loopback/<extension>-a and -b, cut at 127 bytes.",
        "facts 2.1; mod_loopback channel_on_init",
    ),
    Clause(
        "legs.refused-target-has-no-leg",
        SHOULD,
        SILENT,
        "A target that refuses the call at once leaves no leg behind.",
        "facts 2.10; history 16f782f979, f6e076507e (leaked session)",
        since="1.10.6",
    ),
    Clause(
        "legs.all-gone-after-call",
        MUST,
        AGREES,
        "After the call every leg of it is destroyed. Not judged of legs that nothing hangs up, of "
        "real legs that are hung up while a bowout bridges them (0.15 s), nor where two pairs of a "
        "chain bow out at once.",
        "wiki, loopback_bowout: the loopback legs will be destroyed; history 1b0ec75568 (leaked "
        "lock), f6e076507e (leaked session)",
        since="1.10.6",
    ),
    Clause(
        "legs.answer-crosses",
        SHOULD,
        SILENT,
        "loopback-a is answered when loopback-b is, and only then, once (loopback-b perhaps "
        "twice, by either thread of a bridge that began in early media; in a chain perhaps not at "
        "all, if the pair that it is bridged to ends within 0.02 s of its answer; perhaps one leg "
        "alone, if loopback-b goes within 0.06 s of the answer of whom it dials).",
        "facts 2.9; history 0b0ce769f8, b0c518cbcd, c423e2096c (app= never answered); measured",
        since="1.2.0",
    ),
    Clause(
        "legs.early-media-crosses",
        SHOULD,
        SILENT,
        "Early media on loopback-b is early media on loopback-a.",
        "facts 2.9; history c423e2096c",
        since="1.2.0",
    ),
    Clause(
        "legs.no-pre-answer",
        SHOULD,
        SILENT,
        "A loopback-b that dials with loopback_no_pre_answer has no early media before the leg has "
        "that it dials.",
        "facts 2.3; history 41000cfbba",
        since="1.10.3",
    ),
    Clause(
        "legs.ringing-crosses",
        SHOULD,
        SILENT,
        "Ringing on loopback-b is ringing on loopback-a.",
        "facts 2.9; history 9d087d457e",
        since="1.2.0",
    ),
    Clause(
        "legs.cause-crosses",
        SHOULD,
        SILENT,
        "When one loopback leg is hung up, the other leaves with the same cause, or as one whose "
        "bridge lost its media, if that came first, or with the cause of what it dials then and is "
        "refused; loopback-a may be late to learn of its bridge, or before 1.11.0 never do if it "
        "was created just then, and is then hung up with DESTINATION_OUT_OF_ORDER as its caller "
        "goes; with that ends loopback-b, too, whose thread begins as loopback-a is gone. A pair "
        "that refuses and dialled the leg that two bowouts want ends with ORIGINATOR_CANCEL, or "
        "with NORMAL_CLEARING if it got that leg.",
        "facts 2.9; mod_loopback channel_on_hangup, channel_kill_channel, channel_on_init; history "
        "4658192547 (switch_channel_clear_state_handler counted outside its lock)",
    ),
    Clause(
        "legs.cause-of-real-legs",
        SHOULD,
        SILENT,
        "A real leg ends with its own cause, that of an unanswered peer, or NORMAL_CLEARING; a leg "
        "that answers while its caller goes may end with INCOMPATIBLE_DESTINATION, one whose "
        "partner goes as they are bridged with DESTINATION_OUT_OF_ORDER, a b-leg in whose old "
        "bridge loopback-b's thread was caught with PICKED_OFF, one that loopback-b dials as "
        "loopback-a ends with NO_ANSWER, ORIGINATOR_CANCEL or, of several, LOSE_RACE. Who is hung "
        "up within 0.04 s of the end of its bridge (0.1 s if it consults) may end with that cause.",
        "facts 2.9; issue signalwire/freeswitch#1028",
    ),
    Clause(
        "legs.caller-goes-on",
        SHOULD,
        DIFFERS,
        "After the bridge the a-leg goes on with its dialplan, after a bowout too; with "
        "hangup_after_bridge it hangs up.",
        "facts 4 and 6",
        documented="hangup_after_bridge=false needs loopback_bowout=false",
    ),
    Clause(
        "legs.first-reached-is-taken",
        SHOULD,
        SILENT,
        "Of several targets dialled at once the first that is answered or has early media, with "
        "ignore_early_media the first that is answered, is bridged to who dials.",
        "measured; mod_dptools bridge, switch_ivr_originate",
    ),
    Clause(
        "legs.others-lose-race",
        SHOULD,
        SILENT,
        "The other targets dialled at once end with LOSE_RACE, and group_dial_status tells them "
        "that they are the loser; loopback-b of such a pair has the cause, and is not told.",
        "facts 2.9 and 5; issue signalwire/freeswitch#1028; measured",
    ),
    Clause(
        "legs.losers-phone-is-cancelled",
        SHOULD,
        SILENT,
        "A real leg behind a pair that lost never has LOSE_RACE: it ends with ORIGINATOR_CANCEL "
        "if it was not answered, else with NORMAL_CLEARING (or, where loopback-b had given up "
        "before the cause reached it, with NO_ANSWER).",
        "facts 2.9; issue signalwire/freeswitch#1028: loopback removes this ability; measured",
    ),
    Clause(
        "legs.alternatives-in-turn",
        SHOULD,
        SILENT,
        "What a dial string names behind `|` is dialled where all before it failed, pairs that "
        "have no route or hang up included, and only there.",
        "measured; mod_dptools bridge, switch_ivr_originate",
    ),
    Clause(
        "legs.caller-is-told-outcome",
        SHOULD,
        SILENT,
        "originate_disposition of a leg that dials several is SUCCESS where one is taken, else the "
        "cause of that which was named first of the last ones dialled at once (of the last that "
        "refused, where none came to be a leg).",
        "measured; switch_ivr_originate",
    ),
    Clause(
        "legs.caller-is-told-causes",
        SHOULD,
        SILENT,
        "originate_causes of a leg that dials several names each leg in the order of the dial "
        "string, with its cause, NONE for those that are taken.",
        "measured; history 3099445a95; switch_ivr_originate",
        since="1.2.4",
    ),
    Clause(
        "legs.dtmf-crosses",
        SHOULD,
        SILENT,
        "A digit sent to a leg of the call arrives at the real leg on the other side.",
        "facts 2.9; mod_loopback channel_send_dtmf",
    ),
    Clause(
        "legs.parks-after-bridge",
        SHOULD,
        SILENT,
        "A leg with park_after_bridge parks when its bridge ends: who dialled instead of going on "
        "with its dialplan, who was dialled instead of leaving; after a bowout too. Whom a bowout "
        "takes may park for a moment before.",
        "facts 4; switch_ivr_bridge audio_bridge_on_exchange_media; measured",
    ),
    Clause(
        "legs.transferred-after-bridge",
        SHOULD,
        SILENT,
        "A leg with transfer_after_bridge executes the extension that it names when its bridge "
        "ends, instead of going on or leaving; after a bowout too.",
        "facts 4; switch_ivr_bridge transfer_after_bridge; measured",
    ),
    Clause(
        "legs.executes-after-bridge",
        SHOULD,
        SILENT,
        "A leg with exec_after_bridge_app executes that application when its bridge ends, instead "
        "of going on or leaving; after a bowout too.",
        "facts 4; switch_ivr_bridge audio_bridge_thread; measured",
    ),
    Clause(
        "legs.deflect-transfers",
        SHOULD,
        SILENT,
        "uuid_deflect on a loopback leg transfers whom the other leg of the pair is bridged to, at "
        "once; the application deflect waits 10 s first.",
        "facts 2.9; mod_loopback channel_receive_message; history c3de185b22; measured",
        since="1.2.12",
    ),
    Clause(
        "legs.deflect-routes",
        SHOULD,
        SILENT,
        "What it is transferred to is `<extension> [<dialplan> [<context>]]`, what is left out as "
        "it was, a dialplan that there was none of XML.",
        "mod_loopback channel_receive_message, which takes the words for a context and a dialplan "
        "and hands them on the other way round; measured",
        since="1.2.12",
    ),
    Clause(
        "legs.display-crosses",
        SHOULD,
        SILENT,
        "Who is displayed on loopback-b becomes the caller of loopback-a, who is displayed on "
        "loopback-a the callee of loopback-b, until they are bridged anew.",
        "facts 2.9; history 2207b87769 (wrong caller or callee)",
        since="1.2.9",
    ),
    Clause(
        "legs.display-reaches-real-leg",
        SHOULD,
        SILENT,
        "Who is displayed on a loopback leg is displayed on the real leg at the other end of the "
        "pair as well, in a chain too.",
        "facts 2.9; mod_loopback channel_receive_message; history 19f441c6f4",
        since="1.2.0",
    ),
    Clause(
        "legs.display-ignored",
        SHOULD,
        SILENT,
        "What is displayed on a loopback leg with ignore_display_updates does not cross the pair.",
        "facts 2.9; switch_core_session receive_message; measured",
    ),
    Clause(
        "legs.confirmed-once",
        SHOULD,
        SILENT,
        "group_confirm_* in the [] of the dial string have the b-leg execute the application that "
        "confirms it, once, and neither loopback leg.",
        "facts 2.2; history 7264426386 (on loopback-a as well)",
        since="1.10.3",
    ),
    Clause(
        "legs.confirmed-on-loopback-a-too",
        SHOULD,
        SILENT,
        "group_confirm_* in the {} of the dial string, exported, or on the leg that dials, have "
        "both loopback-a and the b-leg execute that application, once each, but for loopback-a "
        "twice where two threads begin it at once.",
        "facts 2.2; measured",
        since="1.10.3",
    ),
    Clause(
        "legs.bridged-once-confirmed",
        SHOULD,
        SILENT,
        "loopback-b is bridged to the b-leg when the application that confirms it is over (to "
        "0.2 s), and the b-leg is marked as the winner.",
        "measured; switch_ivr_originate collect_thread_run",
    ),
    Clause(
        "legs.confirmation-refuses",
        SHOULD,
        SILENT,
        "A b-leg that is hung up by what confirms it has that cause, and its bridge fails with it.",
        "measured; switch_ivr_originate collect_thread_run",
    ),
)

_TARGETS = (
    Clause(
        "targets.extension",
        MUST,
        AGREES,
        "loopback-b is routed to the dialled extension.",
        "wiki, Usage; Examples, Registered Extension",
    ),
    Clause(
        "targets.empty-extension-is-service",
        SHOULD,
        SILENT,
        "An empty target dials the extension `service`.",
        "facts 2.1",
    ),
    Clause(
        "targets.context-inherited",
        MUST,
        AGREES,
        "Without a context the originating channel's is used (without such a channel `default`).",
        "wiki, Usage; Examples, Registered Extension; facts 2.1",
    ),
    Clause(
        "targets.context-given",
        MUST,
        AGREES,
        "A context in the target is the one in which loopback-b is routed.",
        "wiki, Examples, Extension With Context",
    ),
    Clause(
        "targets.dialplan-inherited",
        MUST,
        AGREES,
        "Without a dialplan the originating channel's is used (without such a channel `xml`).",
        "wiki, Usage; facts 2.1",
    ),
    Clause(
        "targets.dialplan-given",
        MUST,
        AGREES,
        "A dialplan in the target is the one that routes loopback-b.",
        "wiki, Examples, Extension, Context, and Dialplan",
    ),
    Clause(
        "targets.empty-context-inherits",
        SHOULD,
        DIFFERS,
        "An empty context before a dialplan is the inherited one.",
        "facts 2.1",
        documented="If a dialplan is specified, then a context must be specified.",
    ),
    Clause(
        "targets.no-route",
        SHOULD,
        SILENT,
        "A target that nothing routes ends every leg with NO_ROUTE_DESTINATION.",
        "facts 0",
    ),
    Clause(
        "targets.loop-is-not-limited",
        SHOULD,
        SILENT,
        "A loop through loopback goes on beyond the a-leg's max_forwards: loopback-b has none, so "
        "each further pair begins anew.",
        "facts 2.2; measured",
    ),
    Clause(
        "targets.exported-max-forwards-ends-loop",
        SHOULD,
        SILENT,
        "Where loopback_export hands max_forwards to each loopback-b, a loop ends with "
        "EXCHANGE_ROUTING_ERROR at the pair for which nothing is left, which is not made.",
        "facts 2.2; measured",
        since="1.2.4",
    ),
    Clause(
        "targets.plan-runs-on-loopback-b",
        MUST,
        AGREES,
        "The target's dialplan runs on loopback-b, each application once and in its order; what "
        "comes next may begin when a bowout or the end of loopback-a interrupts it, until it is "
        "hung up.",
        "wiki, CDR Handling; history e02992bc6c (executed twice)",
        since="1.2.12",
    ),
    Clause(
        "targets.inline-runs-on-loopback-b",
        MUST,
        AGREES,
        "The applications of an inline target run on loopback-b, once and in their order.",
        "wiki, Examples, A-leg Inline Dialplan",
    ),
    Clause(
        "targets.inline-empties-destination",
        SHOULD,
        SILENT,
        "An inline target leaves loopback-b without a destination, if nothing redirected the call.",
        "facts 2.1: the number becomes rdnis",
    ),
    Clause(
        "targets.application-runs-once",
        SHOULD,
        SILENT,
        "loopback/app= runs pre_answer and the application on loopback-b, once, and no dialplan.",
        "facts 2.3; history 1cbd982a37, 64f58f2d67",
        since="1.2.0",
    ),
    Clause(
        "targets.application-argument",
        SHOULD,
        SILENT,
        "The application gets what stands behind the first colon.",
        "facts 2.1; history 1cbd982a37",
        since="1.0.5",
    ),
    Clause(
        "targets.application-variables",
        SHOULD,
        SILENT,
        "loopback_app and loopback_app_arg are set on both loopback legs.",
        "facts 2.3; history 1cbd982a37",
        since="1.0.5",
    ),
)

_BOWOUT = (
    Clause(
        "bowout.after-both-legs-answered",
        MUST,
        DIFFERS,
        "The loopback legs leave 2.0 s after both of them are bridged and answered (to 0.2 s, "
        "what the handling takes among a hundred calls).",
        "wiki, CDR Handling; facts 2.6: 100 frames of 20 ms; history 888d98f907; measured",
        since="1.2.0",
        documented="Once the call connects, they drop out after 1-2 seconds.",
    ),
    Clause(
        "bowout.sums-over-bridges",
        SHOULD,
        DIFFERS,
        "The 2.0 s sum over successive bridges of loopback-b, and wait out a refusal.",
        "facts 2.6: the counter is never reset; history 888d98f907",
        since="1.2.0",
        documented="Once the call connects, they drop out after 1-2 seconds.",
    ),
    Clause(
        "bowout.acts-when-refusal-is-lifted",
        SHOULD,
        SILENT,
        "A pair whose time has passed leaves as soon as its refusal is lifted.",
        "facts 2.3: loopback_bowout is read on every frame; history 888d98f907",
        since="1.2.0",
    ),
    Clause(
        "bowout.legs-leave-together",
        MUST,
        AGREES,
        "All legs that a bowout removes leave at once, in a chain too. Where a pair behind a leg "
        "that refuses is due in the same moment as the first, both bowouts want the b-leg: who "
        "gets it, if anybody, is open, and of an a-leg that consults only that pair leaves. With "
        "bowout-controlled-hangup all pairs leave, the second with either cause.",
        "wiki, CDR Handling: both drop out; facts 0; history ad7149bfa6, b04e4be512 (some legs of "
        "a chain stay)",
        since="1.2.5",
    ),
    Clause(
        "bowout.bridges-real-legs",
        MUST,
        AGREES,
        "The bowout bridges the a-leg, as the caller, to the b-leg.",
        "wiki, About; facts 2.6; history 8afd200023 (1.2.9 alone: the b-leg as the caller)",
        since="1.2.10",
    ),
    Clause(
        "bowout.uuid-bridge-once",
        MUST,
        AGREES,
        "A bowout bridges the real legs once: uuid_bridge is executed once on each (in a chain, "
        "where two pairs may be due at once, perhaps twice).",
        "wiki, loopback_bowout: by doing uuid_bridge; facts 2.5 and 2.7; history 0a68bee88e "
        "(twice)",
        since="1.2.10",
    ),
    Clause(
        "bowout.cause",
        SHOULD,
        SILENT,
        "The legs that a bowout by bridge removes have the cause NORMAL_CLEARING, or that of a "
        "hangup that comes next in loopback-b's plan, or of a transfer to nowhere after its "
        "bridge; a pair that a controlled one dialled has PICKED_OFF if it does not end first, two "
        "that are due at once may have the cause of either.",
        "facts 0 and 4: loopback-b may start its next application before it is hung up; history "
        "7fd7ea9a5d (controlled hangup)",
        since="1.8.6",
    ),
    Clause(
        "bowout.controlled-cause",
        SHOULD,
        SILENT,
        "With bowout-controlled-hangup the pair that bows out has bowout-hangup-cause.",
        "facts 2.4; mod_loopback channel_write_frame; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "bowout.direct-names-ends",
        SHOULD,
        SILENT,
        "With fire-bowout-on-bridge each leg of the pair sends loopback::direct once, which names "
        "the real leg on its own side first.",
        "facts 2.5; history 2b2f11d699 (swapped)",
        since="1.8.6",
    ),
    Clause(
        "bowout.marks-legs",
        MAY,
        SILENT,
        "loopback_hangup_cause is `bridge` on the pair that bowed out, if the leg did not end "
        "before it was set.",
        "facts 2.3: set after uuid_bridge; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "bowout.names-real-legs",
        MAY,
        SILENT,
        "loopback_bowout_other_uuid names the real leg on each loopback leg's own side, if the "
        "leg did not end before it was set.",
        "facts 2.3: set after uuid_bridge; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "bowout.no-event-by-default",
        SHOULD,
        SILENT,
        "Without fire-bowout-on-bridge a bowout by bridge sends no event of the module's.",
        "facts 2.4 and 2.5",
    ),
    Clause(
        "bowout.refused",
        MUST,
        AGREES,
        "A value of loopback_bowout that is not true, on either loopback leg, keeps the pair.",
        "wiki, loopback_bowout; facts 2.3; history 07c6022ef7",
        since="1.0.4",
    ),
    Clause(
        "bowout.not-refused-by-a-leg",
        SHOULD,
        SILENT,
        "loopback_bowout on the a-leg alone, not exported, does not keep the pair.",
        "facts 0",
    ),
    Clause(
        "bowout.not-while-application-runs",
        MUST,
        AGREES,
        "As long as loopback-b runs an application and is not bridged, the pair stays.",
        "wiki, About: once it can connect two real channels; facts 2.6",
    ),
    Clause(
        "bowout.not-in-inner-bridge",
        SHOULD,
        SILENT,
        "With bowout-disable-on-inner-bridge a pair stays that is dialled for the consultation of "
        "an attended transfer.",
        "facts 2.4 and 2.6; history 8ca01da5a0",
        since="1.8.6",
    ),
    Clause(
        "bowout.not-before-answer",
        MUST,
        AGREES,
        "As long as the loopback legs are not answered, the pair stays.",
        "wiki, CDR Handling: once the call connects; facts 2.6; history 3c2699ec2a (bowout in "
        "early media)",
        since="1.0.2",
    ),
    Clause(
        "bowout.not-without-audio",
        SHOULD,
        DIFFERS,
        "As long as nobody sends loopback-a audio, the pair stays.",
        "facts 2.6: frames that a-leg writes are counted, and no comfort noise; history "
        "2404dd295a (idle frames counted)",
        since="1.2.0",
        documented="Once the call connects, they drop out after 1-2 seconds.",
    ),
    Clause(
        "bowout.not-early",
        MUST,
        DIFFERS,
        "A call that ends sooner than 2.0 s after both legs are bridged has no bowout.",
        "wiki, CDR Handling; history 888d98f907 (on the first frame)",
        since="1.2.0",
        documented="Once the call connects, they drop out after 1-2 seconds.",
    ),
    Clause(
        "bowout.inner-refusal-keeps-inner-pair",
        SHOULD,
        SILENT,
        "In a chain a pair that explicitly refuses stays, and the others bow out around it, each "
        "by its own clock; who is hung up within 0.1 s of it may be gone by then.",
        "facts 2.7; history 676419a261",
        since="1.6.10",
    ),
    Clause(
        "bowout.after-bridge-keeps-pair",
        SHOULD,
        DIFFERS,
        "A pair with park_after_bridge, transfer_after_bridge or exec_after_bridge_app does not "
        "leave with its bowout: each leg does what it is told, until one of them is hung up.",
        "facts 4; measured",
        documented="loopback-a and loopback-b will be destroyed when a-leg and b-leg are "
        "successfully bridged.",
    ),
    Clause(
        "bowout.execute-sends-event",
        SHOULD,
        SILENT,
        "A bowout on execution sends loopback::bowout with the resigning, peer and acquired legs.",
        "facts 2.5; history e336ca8c37, 7fd7ea9a5d (Resigning-Peer-UUID)",
        since="1.8.6",
    ),
    Clause(
        "bowout.execute-hands-over",
        SHOULD,
        SILENT,
        "The acquired leg runs the extension that the loopback leg would have run.",
        "facts 2.8; history c3de185b22, 94b1b6218c (could hang for ever)",
        since="1.2.13",
    ),
    Clause(
        "bowout.execute-cause",
        SHOULD,
        SILENT,
        "Legs that leave on execution end with bowout-hangup-cause (or NORMAL_UNSPECIFIED), "
        "NORMAL_CLEARING, or ORIGINATOR_CANCEL where the acquired leg still dials.",
        "facts 0 and 2.8; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "bowout.execute-waits-for-media",
        MAY,
        SILENT,
        "On loopback-b it takes 5 s or more, for an a-leg that still dials never exchanges media.",
        "facts 2.8; history 94b1b6218c; measured: 5.1 s, and up to 9.1 s among 400 calls on two "
        "cores",
        since="1.2.13",
    ),
    Clause(
        "bowout.execute-marks-acquired",
        SHOULD,
        SILENT,
        "The acquired leg carries loopback_hangup_cause=bowout and the leaving leg's loopback_leg.",
        "facts 0 and 2.8; history 7fd7ea9a5d",
        since="1.8.6",
    ),
)

_EXPORTS = (
    Clause(
        "exports.braces-reach-both-legs",
        SHOULD,
        SILENT,
        "Variables in the {} of the dial string are on loopback-a and loopback-b, unchanged.",
        "facts 2.2",
    ),
    Clause(
        "exports.brackets-reach-both-legs",
        SHOULD,
        SILENT,
        "Variables in the [] of the dial string are on loopback-a and loopback-b, unchanged.",
        "facts 2.2",
    ),
    Clause(
        "exports.braces-against-brackets",
        SHOULD,
        SILENT,
        "Of a name in both, loopback-a has the value in {} and loopback-b that in [].",
        "facts 0 and 2.2; history 19f441c6f4 (loopback-b had all of loopback-a's)",
        since="1.2.0",
    ),
    Clause(
        "exports.confirmation-goes-to-loopback-b",
        SHOULD,
        SILENT,
        "group_confirm_* of the dial string or of the leg that dials are on loopback-b and the "
        "b-leg, and not on loopback-a.",
        "facts 2.2; history 7264426386",
        since="1.10.3",
    ),
    Clause(
        "exports.local-var-clobber",
        SHOULD,
        SILENT,
        "With local_var_clobber=true both legs have the value in [].",
        "facts 0 and 2.2; history f9642e96c7",
        since="1.0.4",
    ),
    Clause(
        "exports.exported-reach-pair",
        SHOULD,
        SILENT,
        "Variables that the originating channel exports are on both loopback legs.",
        "facts 2.2",
    ),
    Clause(
        "exports.exported-reach-b-leg",
        MUST,
        AGREES,
        "Variables that the a-leg exports are on the b-leg, however many pairs lie between.",
        "wiki, CDR Handling: the exported vars to #4 properly stay there",
    ),
    Clause(
        "exports.set-stays-on-a-leg",
        SHOULD,
        SILENT,
        "Variables that are only set on the a-leg are not on the loopback legs.",
        "facts 2.2",
    ),
    Clause(
        "exports.dial-string-stays-on-pair",
        SHOULD,
        SILENT,
        "Variables of the dial string are not on the b-leg unless loopback-b exports them.",
        "facts 2.2",
    ),
    Clause(
        "exports.loopback-export-hands-over",
        MUST,
        AGREES,
        "Variables that loopback_export lists on loopback-a come to loopback-b with a's value.",
        "wiki, loopback_export; facts 2.2; history 5eedbb5052",
        since="1.2.4",
    ),
    Clause(
        "exports.loopback-export-needs-loopback-a",
        SHOULD,
        SILENT,
        "loopback_export on the a-leg alone hands nothing over.",
        "facts 0",
    ),
    Clause(
        "exports.max-forwards-on-loopback-a",
        SHOULD,
        SILENT,
        "loopback-a has one max_forwards fewer than the leg that dials it, or 70 where that has "
        "none; an a-leg that came to its dialplan by a transfer has one fewer than before.",
        "facts 2.2; measured",
    ),
    Clause(
        "exports.max-forwards-not-on-loopback-b",
        SHOULD,
        SILENT,
        "max_forwards is not on loopback-b unless loopback_export hands it over.",
        "facts 2.2; measured",
    ),
    Clause(
        "exports.ignore-early-media-goes-on",
        SHOULD,
        SILENT,
        "ignore_early_media in a dial string comes to loopback-b, and so to whomever that dials: "
        "loopback-b too waits for an answer then.",
        "measured; switch_ivr_originate (variables copied from who dials)",
    ),
    Clause(
        "exports.loopback-leg",
        MUST,
        AGREES,
        "loopback_leg is A on loopback-a and B on loopback-b from their creation.",
        "wiki, loopback_leg; facts 2.3; history 26be5929ba (swapped)",
        since="1.0.3",
    ),
    Clause(
        "exports.other-loopback-leg",
        MUST,
        AGREES,
        "other_loopback_leg_uuid names the other leg of the pair from the leg's creation.",
        "wiki, other_loopback_leg_uuid; history d2f73beb01, 03a72a5ef4 (set late)",
        since="1.0.4",
    ),
    Clause(
        "exports.from-uuid",
        SHOULD,
        SILENT,
        "loopback_from_uuid on loopback-a is the channel that dialled it, absent without one.",
        "facts 2.3; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "exports.other-from-uuid",
        SHOULD,
        SILENT,
        "other_loopback_from_uuid on loopback-b is the channel that dialled the pair.",
        "facts 2.3; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "exports.true-id",
        SHOULD,
        SILENT,
        "other_leg_true_id on a leg that is bridged to loopback-b is who dialled the pair. Not "
        "judged on a leg that two bowouts want, nor on those whom they bridge to it.",
        "facts 2.3; history 7fd7ea9a5d",
        since="1.8.6",
    ),
    Clause(
        "exports.is-loopback-at-the-end",
        MUST,
        AGREES,
        "is_loopback is 1 on both loopback legs at CHANNEL_HANGUP_COMPLETE.",
        "wiki, is_loopback; history c903934628",
        since="1.2.12",
    ),
    Clause(
        "exports.is-loopback-not-before",
        MUST,
        DIFFERS,
        "is_loopback is not there before the leg has ended, unless early-set-loopback-id sets it "
        "as the leg is created.",
        "wiki, is_loopback; facts 2.4; history ce019aa566 (not set early on loopback-b)",
        since="1.10.3",
        documented="is_loopback is only available after the channel has ended.",
    ),
    Clause(
        "exports.is-loopback-not-on-real-legs",
        MUST,
        AGREES,
        "is_loopback is never on a leg that is no loopback.",
        "wiki, is_loopback: distinguishes loopback from real channels",
    ),
)

_CDR = (
    Clause(
        "cdr.one-for-each-leg",
        MUST,
        AGREES,
        "Each leg has one CDR of each module, the loopback legs too. One that is hung up as it "
        "takes over an extension may have the variables of loopback-b, and none where they say so.",
        "wiki, CDR Handling; history 7f3c160793 (none for loopback legs)",
        since="1.2.12",
    ),
    Clause(
        "cdr.none-if-unwanted",
        SHOULD,
        SILENT,
        "A leg whose process_cdr is not true has no CDR; with a_only none if it was dialled by a "
        "channel, with b_only none if it dialled one. force_process_cdr does not bring it back.",
        "facts 4: process_cdr",
    ),
    Clause(
        "cdr.none-for-skipped-causes",
        SHOULD,
        SILENT,
        "A leg whose hangup cause is in its skip_cdr_causes has no CDR; what is no cause there "
        "stands for NORMAL_CLEARING.",
        "facts 4: skip_cdr_causes; measured",
    ),
    Clause(
        "cdr.b-legs-not-logged",
        SHOULD,
        DIFFERS,
        "Where log-b-leg is off (for mod_cdr_csv: legs is a), a leg that a channel dialled has no "
        "CDR unless its force_process_cdr is true, which mod_cdr_csv does not read: the a-leg and "
        "loopback-b have one, loopback-a and the b-leg have none.",
        "facts 4 and 6: originator profiles; measured",
        documented="the a-leg, loopback-a and b-leg are each a leg B, loopback-b is a leg A",
    ),
    Clause(
        "cdr.dialled-by",
        SHOULD,
        DIFFERS,
        "The newest segment of a CDR names who dialled the leg: nobody for a-leg and loopback-b, "
        "the a-leg for loopback-a, loopback-b for the b-leg, and after a bowout the a-leg. Not "
        "judged after that of a chain, which two pairs may bring about one after the other.",
        "facts 4 and 6: originator profiles",
        documented="the a-leg, loopback-a and b-leg are each a leg B, loopback-b is a leg A",
    ),
    Clause(
        "cdr.dialled-whom",
        SHOULD,
        SILENT,
        "The newest segment of a CDR names whom the leg dialled last and reached; for the a-leg "
        "that is the b-leg after a bowout. Not judged after that of a chain.",
        "facts 4: originatee profiles",
    ),
    Clause(
        "cdr.well-formed",
        SHOULD,
        SILENT,
        "The CDR can be read, unless an application had `<` or `&` in its data, which mod_xml_cdr "
        'does not always escape, or a value of mod_cdr_csv\'s row a line break or `","`.',
        "measured on 1.10.12 and 1.11.2",
    ),
    Clause(
        "cdr.modules-agree",
        SHOULD,
        SILENT,
        "Where several modules write a CDR of a leg they say the same of it: causes, times, who is "
        "at its ends, its loopback variables. Not judged is what another leg's thread may set "
        "meanwhile, the caller id of the originated leg if it ends as it is reached, which becomes "
        "its callee's then, to whom a leg is bridged if it ends within 0.1 s of that, a value that "
        "a row of mod_cdr_csv would expand, and a leg that is hung up as it takes over an "
        "extension: it may get the other leg's variables between two records.",
        "facts 4; measured on 1.10.12 and 1.11.2; switch_channel_sort_cid",
    ),
    Clause(
        "cdr.hangup-cause",
        SHOULD,
        SILENT,
        "The CDR's hangup cause is the one with which the leg was hung up.",
        "facts 4",
    ),
    Clause(
        "cdr.billsec",
        SHOULD,
        SILENT,
        "billsec is the seconds from answer to end, each cut to the whole; 0 without an answer. "
        "Either may be 0.3 s from its event.",
        "facts 4; measured: both times are cut before they are subtracted",
    ),
    Clause(
        "cdr.duration",
        SHOULD,
        SILENT,
        "duration is the seconds from creation to end, each cut to the whole. Either may be 0.3 s "
        "from its event.",
        "facts 4; measured: both times are cut before they are subtracted",
    ),
    Clause(
        "cdr.exact-duration",
        SHOULD,
        SILENT,
        "uduration and billusec are the times between the events, to 0.3 s.",
        "facts 0; measured: a leg's events may be sent up to 0.10 s after its stamps, 0.24 s among "
        "400 calls on two cores",
    ),
    Clause(
        "cdr.billsec-after-bowout",
        MUST,
        DIFFERS,
        "Loopback legs that bow out have about 2 s of billsec where the b-leg's answer began it, "
        "unless loopback-b's thread is caught in its bridge until the call ends.",
        "wiki, CDR Handling; facts 2.6 and 6; history 888d98f907; measured",
        since="1.2.0",
        documented="They drop out with a billsec of about 2 seconds.",
    ),
    Clause(
        "cdr.is-loopback",
        MUST,
        AGREES,
        "is_loopback is 1 in the CDRs of the loopback legs, and in no others.",
        "wiki, is_loopback: useful for processing CDRs; history c903934628",
        since="1.2.12",
    ),
    Clause(
        "cdr.loopback-leg",
        SHOULD,
        SILENT,
        "The CDRs of the loopback legs hold their loopback_leg.",
        "facts 2.3; history 26be5929ba (swapped)",
        since="1.0.3",
    ),
    Clause(
        "cdr.display-is-caller",
        SHOULD,
        SILENT,
        "The CDR of loopback-a has whom loopback-b displayed last as its caller.",
        "facts 2.9; history 2207b87769",
        since="1.2.9",
    ),
    Clause(
        "cdr.other-loopback-leg",
        SHOULD,
        SILENT,
        "The CDRs of the loopback legs name each other.",
        "facts 2.3; history d2f73beb01",
        since="1.0.2",
    ),
    Clause(
        "cdr.bridge-uuid",
        SHOULD,
        SILENT,
        "bridge_uuid is the leg to which this one was last bridged: after a bowout the real one. "
        "Not judged of the loopback legs that a chain's bowout removes.",
        "facts 4",
    ),
    Clause(
        "cdr.originating-leg",
        SHOULD,
        SILENT,
        "originating_leg_uuid is the leg that dialled this one, bowout or not: the a-leg for "
        "loopback-a, loopback-b for the b-leg, nobody for loopback-b. Not judged where a leg takes "
        "over an extension.",
        "facts 2.2: set by the core; measured",
        since="1.2.0",
    ),
    Clause(
        "cdr.cause-of-partner",
        SHOULD,
        SILENT,
        "last_bridge_hangup_cause is the cause of the last leg that ended before this one and was "
        "bridged to it, or dialled. A leg that ends within 0.1 s of that one may not be told, and "
        "then has the cause of the one before, or none; not judged where that was one of several "
        "dialled at once.",
        "facts 4; switch_channel perform_hangup; measured",
        since="1.2.0",
    ),
    Clause(
        "cdr.billsec-conserved",
        SHOULD,
        SILENT,
        "A bowout takes no billed time away: from answer to end a real leg's CDR covers all the "
        "time for which the loopback leg on its side was answered, but for 0.06 s in all, as late "
        "as a leg notices its answer. Not judged where that was answered first.",
        "wiki, CDR Handling: a billing of leg B is for 2 seconds only; facts 4; measured",
    ),
    Clause(
        "cdr.destination",
        SHOULD,
        SILENT,
        "The first call flow of a loopback leg's CDR has the dialled extension.",
        "facts 4",
    ),
)
CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {clause.name: clause for clause in (*_LEGS, *_TARGETS, *_BOWOUT, *_EXPORTS, *_CDR)}
)
"""Every clause by name, in the order of the areas."""
