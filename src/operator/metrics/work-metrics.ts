import { Counter, Histogram, type Registry } from 'prom-client'
import type { NodeObserver } from '../../node/node-instruments.ts'
import { BoundedLabel } from './bounded-label.ts'

/** Seconds of a request: from a lookup on the same machine to the whole time that an answer may take. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Seconds of a batch or a write: from one that takes no time to one that others wait for. */
const BATCH_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts a node's work as it is done. */
export function workMetrics(registry: Registry): NodeObserver {
  const registers = [registry]
  const requests = new Counter({
    name: 'soma_p2p_rpc_requests_total',
    help: 'Requests that ended: asked of peers (outbound) or by peers (inbound), ok, stopped by whoever asked, or with the code of an error',
    labelNames: ['protocol', 'direction', 'result'],
    registers
  })
  const requestSeconds = new Histogram({
    name: 'soma_p2p_rpc_request_duration_seconds',
    help: 'How long requests took, with their whole answers; what a consumer takes its time for between two parts of an answer is in it',
    labelNames: ['protocol', 'direction'],
    buckets: REQUEST_SECONDS,
    registers
  })
  const requestBytes = new Counter({
    name: 'soma_p2p_rpc_bytes_total',
    help: 'Bytes of requests and their answers, by who asked and whether they were received or sent',
    labelNames: ['protocol', 'direction', 'flow'],
    registers
  })
  const verifySeconds = new Histogram({
    name: 'soma_p2p_verify_duration_seconds',
    help: 'How long a batch took to verify, with the wait for a thread',
    labelNames: ['kind'],
    buckets: BATCH_SECONDS,
    registers
  })
  const verified = new Counter({
    name: 'soma_p2p_verified_items_total',
    help: 'Blocks, transactions and commits that were verified, or refused, by what was looked at',
    labelNames: ['kind'],
    registers
  })
  const writeSeconds = new Histogram({
    name: 'soma_p2p_store_write_duration_seconds',
    help: 'How long a durable write of commits took',
    buckets: BATCH_SECONDS,
    registers
  })
  const writes = new Counter({
    name: 'soma_p2p_store_writes_total',
    help: 'Writes of commits, ok or with the code of an error',
    labelNames: ['result'],
    registers
  })
  const writtenCommits = new Counter({
    name: 'soma_p2p_store_written_commits_total',
    help: 'Commits written, synced ones and those of local consensus',
    registers
  })
  const writtenBytes = new Counter({
    name: 'soma_p2p_store_written_bytes_total',
    help: 'Bytes of commits and blocks written',
    registers
  })
  const faults = new Counter({
    name: 'soma_p2p_peers_faults_total',
    help: 'Faults of peers by the code of the error and what followed: the reasons of bans and penalties',
    labelNames: ['code', 'consequence'],
    registers
  })
  for (const result of ['ok', 'STORAGE_WRITE_FAILED']) writes.inc({ result }, 0)
  for (const kind of ['structure', 'signatures', 'hand-over', 'transactions', 'certification']) {
    verified.inc({ kind }, 0)
    verifySeconds.zero({ kind })
  }
  const results = new BoundedLabel()
  const codes = new BoundedLabel()
  return {
    onExchange({ side, protocol, result, bytesIn, bytesOut, milliseconds }) {
      const direction = side === 'client' ? 'outbound' : 'inbound'
      requests.inc({ protocol, direction, result: results.of(result) })
      requestSeconds.observe({ protocol, direction }, milliseconds / 1_000)
      requestBytes.inc({ protocol, direction, flow: 'received' }, bytesIn)
      requestBytes.inc({ protocol, direction, flow: 'sent' }, bytesOut)
    },
    onVerified({ kind, items, milliseconds }) {
      verified.inc({ kind }, items)
      verifySeconds.observe({ kind }, milliseconds / 1_000)
    },
    onWritten({ result, commits, bytes, milliseconds }) {
      writes.inc({ result })
      writeSeconds.observe(milliseconds / 1_000)
      if (result !== 'ok') return
      writtenCommits.inc(commits)
      writtenBytes.inc(bytes)
    },
    onPeerReport({ code, consequence }) {
      faults.inc({ code: codes.of(code), consequence })
    }
  }
}
