import { byId, make, makeRowOf, setAttribute, setChildren, setText } from './dom.js'
import { count, plural, rate, short, timeOf } from './format.js'
import { chooses, Graph } from './graph.js'
import { ask, poll } from './poll.js'

const WORDS = {
  healthy: 'well',
  syncing: 'catching up',
  attention: 'needs attention',
  stuck: 'stuck',
  failed: 'failed'
}
/** The worst decides what is said of the network. */
const WORST_FIRST = ['failed', 'stuck', 'attention', 'syncing', 'healthy']
/** Of many, a few are named; the rows show all. */
const MOST_NAMED = 5
/** Milliseconds that a rate is taken over. */
const RATE_MS = 5_000

const graph = new Graph()
/** Heights seen lately, by node. */
const seen = new Map()

async function update(signal) {
  const nodes = await ask('network', signal)
  showVerdict(nodes)
  showFigures(nodes)
  setChildren(byId('nodes'), nodes, ({ name }) => name, makeRow, showNode)
  graph.show(nodes)
  setText(byId('updated'), `As of ${timeOf(Date.now())}, every second. Read only.`)
}

function showVerdict(nodes) {
  const started = nodes.filter(({ url }) => url !== undefined)
  const silent = started.filter(({ silence }) => silence !== undefined)
  const conditions = started.flatMap(({ status }) => status?.verdict.condition ?? [])
  const worst =
    silent.length > 0 ? 'failed' : (WORST_FIRST.find((condition) => conditions.includes(condition)) ?? 'unknown')
  byId('verdict').dataset.condition = worst
  const well = conditions.filter((condition) => condition === 'healthy').length
  const isStarting = started.length < nodes.length
  const title =
    well === nodes.length
      ? `All ${plural(nodes.length, 'node')} are well`
      : `${well} of ${plural(nodes.length, 'node')} are well`
  setText(byId('condition'), title)
  const named = (condition) =>
    started.filter(({ status }) => status?.verdict.condition === condition).map(({ name }) => name)
  const groups = WORST_FIRST.filter((condition) => condition !== 'healthy').map((condition) => [
    WORDS[condition],
    named(condition)
  ])
  const said = groups.flatMap(([word, names]) =>
    names.length === 0 ? [] : `${names.length} ${word}: ${names.slice(0, MOST_NAMED).join(', ')}`
  )
  if (silent.length > 0) said.unshift(`${silent.length} silent: ${silent.map(({ name }) => name).join(', ')}`)
  if (isStarting) said.push(`${nodes.length - started.length} not started yet`)
  setText(
    byId('summary'),
    said.length === 0 ? 'Every node is up to date, and every part of each is well.' : `${said.join('; ')}.`
  )
  document.title = `${title} · soma-p2p network`
}

function showFigures(nodes) {
  const known = nodes.flatMap(({ status }) => status ?? [])
  const heights = known.map(({ highestSynced }) => highestSynced)
  const validators = known.filter(({ role }) => role === 'validator').length
  setText(byId('highest'), heights.length === 0 ? '–' : count(Math.max(...heights)))
  setText(byId('highest-note'), `${plural(validators, 'validator')}, ${plural(known.length - validators, 'full node')}`)
  setText(byId('spread'), heights.length === 0 ? '–' : count(Math.max(...heights) - Math.min(...heights)))
  setText(byId('connections'), count(known.reduce((sum, { peers }) => sum + peers.length, 0) / 2))
  setText(
    byId('connections-note'),
    known.length === 0 ? '' : `${Math.min(...known.map(({ peers }) => peers.length))} a node at least`
  )
  const epochs = [...new Set(known.map(({ epoch }) => epoch))].sort((a, b) => a - b)
  setText(byId('epoch'), epochs.length === 0 ? '–' : count(epochs.at(-1)))
  setText(byId('epoch-note'), epochs.length > 1 ? `some still in ${epochs[0]}` : 'everywhere')
}

const LABELS = [undefined, undefined, 'Height', 'Executed', 'Rate', 'Peers']

function makeRow() {
  const row = makeRowOf(LABELS)
  const [name, how] = row.children
  name.append(make('a'), make('small'))
  how.append(make('i'), make('span'))
  chooses(row, graph)
  return row
}

function showNode(row, { name, url, status, silence }) {
  const [node, how, height, executed, speed, peers] = row.children
  setAttribute(node.firstChild, 'href', url)
  setText(node.firstChild, name)
  setText(node.lastChild, status === undefined ? '' : short(status.peerId))
  setAttribute(node, 'title', status?.peerId)
  const condition = status?.verdict.condition
  row.dataset.condition = condition ?? (url === undefined ? 'unknown' : 'silent')
  setText(how.lastChild, condition === undefined ? (url === undefined ? 'starting' : 'silent') : WORDS[condition])
  setAttribute(how, 'title', status?.verdict.summary ?? silence)
  setText(height, count(status?.highestSynced))
  setText(executed, count(status?.highestExecuted))
  setText(speed, `${rate(rateOf(name, status?.highestSynced))}/s`)
  setText(peers, count(status?.peers.length))
}

/** Commits a second, over the last seconds. */
function rateOf(name, height) {
  if (height === undefined) return Number.NaN
  const at = performance.now()
  const moments = [...(seen.get(name) ?? []), { at, height }].filter((moment) => moment.at >= at - RATE_MS)
  seen.set(name, moments)
  const [first] = moments
  return at > first.at ? Math.max(0, (1000 * (height - first.height)) / (at - first.at)) : 0
}

poll(update, (silence) => {
  document.body.classList.toggle('silent', silence !== undefined)
  if (silence === undefined) return
  byId('verdict').dataset.condition = 'silent'
  setText(byId('condition'), 'No answer')
  setText(
    byId('summary'),
    `The network has not answered since ${timeOf(silence.since)}: ${silence.reason}. What is shown below is from then.`
  )
  document.title = 'No answer · soma-p2p network'
})
