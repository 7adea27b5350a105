import { systemClock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { FreshValue } from './fresh-value.ts'
import type { NodeVerdict } from './node-verdict.ts'
import type { JudgedReport } from './status-watch.ts'

/** A node of a network, by where its own status server is. */
export interface NetworkNode {
  readonly name: string
  /** Of its status server, with a slash at the end; `undefined` before it has one. */
  readonly url: string | undefined
}

/** What `GET /network` tells of a node. */
export interface NetworkNodeReport extends NetworkNode {
  /** Why nothing is known of it; then what follows is not there. */
  readonly silence?: string
  readonly status?: {
    readonly verdict: NodeVerdict
    readonly peerId: string
    readonly role: 'validator' | 'full'
    readonly epoch: number
    readonly highestSynced: number
    readonly highestKnown: number
    readonly highestExecuted: number | undefined
    readonly uptimeMs: number
    /** Whom it is connected to, and which side dialled. */
    readonly peers: readonly { readonly peerId: string; readonly direction: 'inbound' | 'outbound' }[]
  }
}

/** A report has a line for each peer: this is hundreds of them. */
const MAX_REPORT_BYTES = 1024 * 1024
const ANSWER_MS = 4_000
/** Who asks within so many milliseconds gets the same answer. */
const FRESH_MS = 500

/** Asks the status servers of a network's nodes, however many look at it. */
export class NetworkWatch {
  readonly #stop = new AbortController()
  readonly #asked: FreshValue<NetworkNodeReport[]>

  constructor(nodes: () => readonly NetworkNode[]) {
    this.#asked = new FreshValue(() => Promise.all(nodes().map((node) => this.#ask(node))), systemClock, FRESH_MS)
  }

  reports(): Promise<NetworkNodeReport[]> {
    return this.#asked.get()
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#asked.last
  }

  async #ask({ name, url }: NetworkNode): Promise<NetworkNodeReport> {
    if (url === undefined) return { name, url, silence: 'it has not started yet' }
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_MS)])
      const response = await fetch(`${url}status`, { signal, redirect: 'error' })
      const text = await textOf(response)
      if (!response.ok) return { name, url, silence: text.trim() }
      return { name, url, status: summaryOf(JSON.parse(text)) }
    } catch (thrown) {
      const { cause, message } = toError(thrown)
      return { name, url, silence: cause instanceof Error ? cause.message : message }
    }
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true })
    if (text.length > MAX_REPORT_BYTES) throw new RangeError('its report is too long')
  }
  return text
}

function summaryOf(report: JudgedReport): NonNullable<NetworkNodeReport['status']> {
  const { verdict, peerId, role, epoch, highestSynced, highestKnown, cursors, executor, uptimeMs, peers } = report
  const positions = Object.values(cursors)
  return {
    verdict,
    peerId,
    role,
    epoch,
    highestSynced: highestSynced.index,
    highestKnown,
    highestExecuted: executor?.highestExecuted ?? (positions.length === 0 ? undefined : Math.min(...positions)),
    uptimeMs,
    peers: peers.map(({ peerId, direction }) => ({ peerId, direction }))
  }
}
