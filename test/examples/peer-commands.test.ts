import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openControlServer } from '../../examples/cli/control-server.ts'
import { formatPeers } from '../../examples/cli/peer-commands.ts'
import { peerRoutes } from '../../examples/cli/peer-routes.ts'
import { buildChain, TestNetwork } from '../../src/testing/index.ts'
import { randomPeer } from '../state-sync/random-peer.ts'
import { soma } from './in-process.ts'

async function serve(context: TestContext): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'soma-peers-'))
  const network = new TestNetwork(buildChain({ commits: 1 }))
  const node = await network.start()
  const control = await openControlServer(
    dataDir,
    peerRoutes(() => node),
    (error) => assert.fail(error)
  )
  context.after(async () => {
    await control.stop()
    await network[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })
  return dataDir
}

test('an operator bans a peer of a running node, sees the ban and lifts it', async (context) => {
  const where = ['--data-dir', await serve(context)]
  const peer = (await randomPeer()).toString()
  const banned = await soma(context, 'ban', peer, ...where, '--minutes', '90', '--reason', 'floods us & more')
  assert.equal(banned.exitCode, 0, banned.stderr)
  const listed = await soma(context, 'peers', ...where)
  assert.match(listed.stdout, new RegExp(`1 banned\n  ${peer}  for 1 h (30|29) min more: floods us & more`))
  const { bans } = JSON.parse((await soma(context, 'peers', ...where, '--json')).stdout)
  assert.equal(bans[0].peerId, peer)
  assert.match((await soma(context, 'unban', peer, ...where)).stdout, /is not banned any more/)
  assert.match((await soma(context, 'unban', peer, ...where)).stdout, /was not banned/)
  assert.match((await soma(context, 'peers', ...where)).stdout, /0 banned/)
})

test('what is no ban is refused in words', async (context) => {
  const where = ['--data-dir', await serve(context)]
  const nobody = await soma(context, 'ban', 'nobody', ...where)
  assert.equal(nobody.exitCode, 2)
  assert.match(nobody.stderr, /a peer id such as/)
  const never = await soma(context, 'ban', (await randomPeer()).toString(), ...where, '--minutes', '0')
  assert.equal(never.exitCode, 2)
})

test('what a ban says cannot steer a terminal', () => {
  const ban = { peerId: '12D3KooW', reason: 'a\u001b[2J\nb', untilMs: 5 }
  assert.match(formatPeers({ peers: [], bans: [ban] }, 10), /: a \[2J b$/)
})

test('a ban that has ended meanwhile has no time left', () => {
  const ban = { peerId: '12D3KooW', reason: 'BLOCK_WRONG_REF', untilMs: 5 }
  assert.equal(
    formatPeers({ peers: [], bans: [ban] }, 10),
    '0 connected\n1 banned\n  12D3KooW  for 0 s more: BLOCK_WRONG_REF'
  )
})
