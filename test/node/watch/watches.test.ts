import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ChainWatch } from '../../../src/node/watch/chain-watch.ts'
import { CompanyWatch } from '../../../src/node/watch/company-watch.ts'
import { HealthWatch } from '../../../src/node/watch/health-watch.ts'

const SECOND = 1_000

it('the health of a part is told when it changes, and another reason after a minute; what explains itself elsewhere is not', () => {
  const watch = new HealthWatch()
  const look = (second: number, reason?: string, part = 'storage') =>
    watch
      .look({ [part]: reason === undefined ? { state: 'ok' } : { state: 'degraded', reason } }, second * SECOND)
      .map(({ level, kind, text }) => `${level} ${kind}: ${text}`)
  assert.deepEqual(look(0), [])
  assert.deepEqual(look(1, 'disk full'), ['warn health: storage is degraded: disk full'])
  assert.deepEqual([...look(2, 'disk full'), ...look(3, 'disk broken')], [])
  assert.deepEqual(look(62, 'disk broken'), ['warn health: storage is degraded: disk broken'])
  assert.deepEqual(look(63), ['info health: storage is ok'])
  assert.deepEqual(look(64, 'waiting', 'state-sync'), [])
  assert.deepEqual(look(65, 'no room', 'executor'), ['warn executor: executor is degraded: no room'])
})

it('a node without a peer is isolated after ten seconds, and in company with the next one', () => {
  const watch = new CompanyWatch()
  const kinds = (connected: number, ...seconds: number[]) =>
    seconds.flatMap((second) => watch.look(connected, 7, second * SECOND)?.kind ?? [])
  assert.deepEqual(kinds(0, 0, 5, 9), [])
  assert.deepEqual(kinds(1, 9.5), [], 'it was found in time')
  assert.deepEqual(kinds(0, 10, 15, 20, 25, 300), ['isolated'])
  assert.deepEqual(kinds(2, 301, 302), ['company'])
})

it('a node is behind that lacks much, at the start at once and later after a while, until it is at the tip', () => {
  const watch = new ChainWatch()
  const look = (second: number, highestSynced: number, highestKnown: number) =>
    watch.look({ highestSynced, highestKnown }, second * SECOND)?.text
  assert.equal(look(0, 0, 0), undefined, 'nobody has said what there is')
  assert.equal(look(1, 0, 1_000), 'behind: at commit 0 of 1000, 1000 to go; catching up')
  assert.equal(look(2, 900, 1_000), undefined)
  assert.equal(look(61, 1_010, 1_012), 'caught up at commit 1010: 1010 commits in 1 min 0 s')
  assert.equal(look(62, 1_012, 1_100), undefined)
  assert.equal(look(63, 1_100, 1_100), undefined, 'a burst is no outage')
  assert.equal(look(70, 1_100, 1_200), undefined)
  assert.equal(look(75, 1_110, 1_200), 'fell behind: at commit 1110 of 1200, 90 to go; catching up')
  assert.equal(look(80, 1_199, 1_200), 'caught up at commit 1199: 89 commits in 10 s')
})

it('a node that finds itself at the tip says so once', () => {
  const watch = new ChainWatch()
  const texts = [5, 6, 7].map((commit) => watch.look({ highestSynced: commit, highestKnown: commit }, commit)?.text)
  assert.deepEqual(texts, ['at the tip: commit 5', undefined, undefined])
})
