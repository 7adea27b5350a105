import { byId, setText } from './dom.js'
import { bytes, count, duration, plural, rate } from './format.js'

function figure(name, value, note) {
  setText(byId(name), value)
  setText(byId(`${name}-note`), note)
}

/** The few numbers that say where the node stands. */
export function showFigures(status, history) {
  const { highestSynced, highestKnown, highestSyncedAtMs, lowestAvailable, atMs } = status
  figure(
    'height',
    count(highestSynced.index),
    lowestAvailable > 1 ? `from ${count(lowestAvailable)} on` : 'whole chain'
  )
  const behind = Math.max(0, highestKnown - highestSynced.index)
  const lateMs = highestSyncedAtMs === undefined ? 0 : atMs - highestSyncedAtMs
  figure(
    'behind',
    behind === 0 ? '0' : count(behind),
    behind === 0 || lateMs <= 0 ? 'commits' : `commits, ${duration(lateMs)}`
  )
  const [size, unit] = bytes(history.rate('bytes') || 0)
  figure('rate', rate(history.rate('highestSynced') || 0), `commits/s, ${size} ${unit}/s`)
  showExecuted(status)
  const { peers, knownPeers, discovery, epoch, role } = status
  figure('peer-count', count(peers.length), `${count(knownPeers)} with known addresses`)
  const { kept, connected } = discovery.committee
  figure('epoch', count(epoch), kept === 0 ? '' : `${connected} of ${plural(kept, 'validator')} connected`)
  setText(byId('role'), role === 'validator' ? 'validator' : 'full node')
}

function showExecuted({ executor, cursors, highestSynced }) {
  const positions = Object.values(cursors)
  const executed = executor?.highestExecuted ?? (positions.length === 0 ? undefined : Math.min(...positions))
  if (executed === undefined) {
    figure('executed', '–', 'no executor')
    return
  }
  const waiting = Math.max(0, highestSynced.index - executed)
  const state = executor?.failure === undefined ? 'nothing waits' : 'it has failed'
  figure('executed', count(executed), waiting === 0 ? state : `${count(waiting)} to execute`)
}
