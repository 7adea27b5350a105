import { byId, make, makeRowOf, setAttribute, setChildren, setText } from './dom.js'
import { bytes, count, duration, plural, short } from './format.js'

/** Everyone who is connected: those that deliver most first. */
export function showPeers({ peers, highestSynced, discovery }) {
  const most = Math.max(1, ...peers.map(({ score }) => score.bytesPerMinute))
  const sorted = peers.toSorted(
    (a, b) => b.score.bytesPerMinute - a.score.bytesPerMinute || (a.peerId < b.peerId ? -1 : 1)
  )
  const looking = discovery.isIsolated ? ', looking for more' : ''
  const dialling = discovery.dialling > 0 ? `, ${plural(discovery.dialling, 'dial')} under way` : ''
  setText(byId('peers-note'), `${count(peers.length)} connected${looking}${dialling}${sources(discovery)}`)
  byId('no-peers').hidden = peers.length > 0
  setChildren(
    byId('peers'),
    sorted,
    ({ peerId }) => peerId,
    makeRow,
    (row, peer) => showPeer(row, peer, { highestSynced, most })
  )
}

function sources({ bySource }) {
  const named = Object.entries(bySource).filter(([, number]) => number > 0)
  return named.length === 0 ? '' : `; known by ${named.map(([source, number]) => `${source} ${number}`).join(', ')}`
}

const LABELS = [undefined, undefined, 'Height', 'Ahead of us', 'Delivers', 'Penalty', 'Connected']

function makeRow() {
  const row = makeRowOf(LABELS)
  const [name, known, , , delivers] = row.children
  name.append(make('code'), make('small'))
  known.append(make('span'), make('small'))
  delivers.append(make('span', 'delivers', make('span', 'bar', make('span')), make('span')))
  return row
}

function showPeer(row, peer, { highestSynced, most }) {
  const { peerId, address, direction, source, connectedMs, isProtected, score, highestCommit, lowestCommit } = peer
  const [name, known, height, distance, delivers, penalty, age] = row.children
  setText(name.firstChild, short(peerId))
  setText(name.lastChild, withoutPeer(address, peerId))
  setAttribute(name, 'title', `${peerId}\n${address}`)
  setText(known.firstChild, source === 'inbound' ? 'itself' : source)
  setText(known.lastChild, `${direction === 'inbound' ? 'it dialled' : 'we dialled'}${isProtected ? ', kept' : ''}`)
  setText(height, highestCommit === undefined ? 'unknown' : count(highestCommit))
  setAttribute(
    height,
    'title',
    highestCommit === undefined ? undefined : `serves commits ${count(lowestCommit)} to ${count(highestCommit)}`
  )
  setText(distance, highestCommit === undefined ? '–' : signed(highestCommit - highestSynced.index))
  const [bar, speed] = delivers.firstChild.children
  bar.firstChild.style.width = `${(100 * score.bytesPerMinute) / most}%`
  setText(speed, `${bytes(score.bytesPerMinute).join(' ')}/min`)
  setText(penalty, score.penalty < 0.05 ? '0' : score.penalty.toFixed(1))
  penalty.classList.toggle('penalised', score.penalty >= 0.05)
  setText(age, duration(connectedMs))
}

function signed(distance) {
  return distance > 0 ? `+${count(distance)}` : count(distance).replace('-', '−')
}

/** A dialled address names the peer at its end once more. */
function withoutPeer(address, peerId) {
  const end = `/p2p/${peerId}`
  return address.endsWith(end) ? address.slice(0, -end.length) : address
}
