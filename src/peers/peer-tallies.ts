import type { Consequence } from './consequence.ts'
import type { InboundRefusal } from './peer-gate.ts'
import type { ConnectedPeer, DialOutcome, PeerCounts } from './peers.ts'
import { Tally } from './tally.ts'

/** Why we closed a connection that was in order: too many peers, too many of one subnet, two of one peer, or one that was not needed any more. */
export type ClosedReason = 'full' | 'subnet' | 'duplicate' | 'surplus'

/** What happened to peers, counted. */
export class PeerTallies {
  readonly dials: Tally<DialOutcome> = new Tally({
    connected: 0,
    failed: 0,
    aborted: 0,
    self: 0,
    banned: 0,
    backoff: 0,
    'already-connected': 0,
    'already-dialling': 0,
    'no-addresses': 0,
    'no-room': 0
  })
  readonly closed: Tally<ClosedReason> = new Tally({ full: 0, subnet: 0, duplicate: 0, surplus: 0 })
  readonly refused: Tally<InboundRefusal> = new Tally({ banned: 0, 'not-allowed': 0, subnet: 0, rate: 0, handshake: 0 })
  readonly reports: Tally<Consequence> = new Tally({ none: 0, backoff: 0, penalty: 0, ban: 0 })

  /** Everything counted, with what there is at present. */
  counts(connected: readonly ConnectedPeer[], present: Pick<PeerCounts, 'dialling' | 'bans'>): PeerCounts {
    const outbound = connected.filter(({ direction }) => direction === 'outbound').length
    return {
      connected: { inbound: connected.length - outbound, outbound },
      protected: connected.filter(({ isProtected }) => isProtected).length,
      ...present,
      dials: this.dials.counts(),
      closed: this.closed.counts(),
      refused: this.refused.counts(),
      reports: this.reports.counts()
    }
  }
}
