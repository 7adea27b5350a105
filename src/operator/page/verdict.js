import { byId, make, setChildren, setText } from './dom.js'
import { count, duration, rate, short, shortened, timeOf } from './format.js'

const WORDS = {
  healthy: 'Healthy',
  syncing: 'Catching up',
  attention: 'Needs attention',
  stuck: 'Stuck',
  failed: 'Failed'
}

/** Says first how the node is, in words and colour, and what is the matter. */
export function showVerdict({ verdict, peerId, sync }) {
  const { condition, summary, reasons } = verdict
  byId('verdict').dataset.condition = condition
  setText(byId('condition'), WORDS[condition] ?? condition)
  setText(byId('summary'), shortened(sentence(summary)))
  // What the summary has said already is not said again, nor what follows in its own card.
  const said = `${summary} ${sync.waiting?.explanation ?? ''}`
  const others = reasons.filter(({ reason }) => !said.includes(reason))
  setChildren(
    byId('reasons'),
    others,
    ({ part }) => part,
    () => make('li', '', make('b'), make('span')),
    (item, { part, state, reason }) => {
      setText(item.firstChild, `${part} ${state}`)
      setText(item.lastChild, `: ${shortened(reason)}`)
    }
  )
  document.title = `${WORDS[condition] ?? condition} · ${short(peerId)}`
}

/** That nothing is heard of the node any more. What is shown is from before. */
export function showSilence(silence) {
  document.body.classList.toggle('silent', silence !== undefined)
  if (silence === undefined) return
  const { since, reason } = silence
  byId('verdict').dataset.condition = 'silent'
  setText(byId('condition'), 'No answer')
  setText(
    byId('summary'),
    `The node has not answered since ${timeOf(since)}: ${reason}. What is shown below is from then.`
  )
  byId('reasons').replaceChildren()
  byId('way').hidden = true
  document.title = 'No answer · soma-p2p'
}

/** How far a catch-up is, and how long it takes. */
export function showWay({ verdict, highestSynced: { index }, highestKnown }, commitsPerSecond) {
  const isBehind = verdict.condition === 'syncing' || (verdict.condition === 'stuck' && highestKnown > index)
  byId('way').hidden = !isBehind
  if (!isBehind) return
  byId('progress').value = index / highestKnown
  setText(byId('progress-text'), `${count(index)} of ${count(highestKnown)} commits`)
  const left = (1000 * (highestKnown - index)) / commitsPerSecond
  setText(byId('left'), Number.isFinite(left) ? `${duration(left)} left at ${rate(commitsPerSecond)}/s` : 'no progress')
}

/** Why the chain does not come on, since when, and who was asked. */
export function showWait({ sync: { waiting }, atMs, verdict }) {
  byId('wait').hidden = waiting === undefined
  if (waiting === undefined) return
  // Where it is stuck, the verdict has said so.
  setText(byId('wait-text'), verdict.summary.includes(waiting.explanation) ? '' : shortened(waiting.explanation))
  setText(
    byId('wait-since'),
    `for commit ${count(waiting.commit)}, since ${timeOf(waiting.sinceMs)}, for ${duration(atMs - waiting.sinceMs)}`
  )
  byId('asked-frame').hidden = waiting.asked.length === 0
  setChildren(
    byId('asked'),
    waiting.asked.toReversed(),
    ({ atMs: at, peerId, answer }) => `${at} ${peerId} ${answer}`,
    () => make('tr', '', make('td'), make('td', '', make('code')), make('td')),
    (row, asked) => {
      const [time, peer, answer] = row.children
      setText(time, timeOf(asked.atMs))
      setText(peer.firstChild, short(asked.peerId))
      peer.title = asked.peerId
      setText(answer, shortened(asked.answer))
    }
  )
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
