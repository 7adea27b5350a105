import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { soma } from './in-process.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-completion-'))
  await mkdir(join(directory, 'data one'))
  await writeFile(join(directory, 'node.yaml'), '')
})
after(() => rm(directory, { recursive: true }))

function run(shell: string, script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(shell, ['-c', script], { cwd: directory, encoding: 'utf8' })
}

const isMissing = (shell: string): string | false =>
  spawnSync(shell, ['--version']).error === undefined ? false : `${shell} is not installed`

/** What bash offers for words, the last of which is being typed. */
function inBash(script: string, words: readonly string[]): string[] {
  const quoted = ['soma-p2p', ...words].map((word) => `'${word}'`).join(' ')
  const { stdout, stderr } = run(
    'bash',
    `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _soma_p2p; printf '%s\\n' "\${COMPREPLY[@]}"`
  )
  assert.equal(stderr, '')
  return stdout.split('\n').filter((line) => line !== '')
}

test('bash completes commands, theirs, flags, choices, files and directories', {
  skip: isMissing('bash')
}, async (t) => {
  const { stdout: script } = await soma(t, 'completion', 'bash')
  const cases: [string[], string[]][] = [
    [['ins'], ['inspect']],
    [
      ['inspect', ''],
      ['commit', 'block', 'store', 'verify']
    ],
    [['inspect', 'verify', '--fr'], ['--from']],
    [
      ['node', '--consensus', ''],
      ['none', 'scripted']
    ],
    [['node', '--consensus', '=', 's'], ['scripted']],
    [['node', '--log-level', 'wa'], ['warn']],
    [['node', '--config', 'no'], ['node.yaml']],
    [['node', '-c', 'node.yaml', '--data-dir', ''], ['data one']],
    [['node', '-c', 'inspect', '--cons'], ['--consensus']],
    [
      ['import', ''],
      ['data one', 'node.yaml']
    ],
    [['completion', 'z'], ['zsh']],
    [['status', ''], []],
    [['node', '--seed', ''], []]
  ]
  for (const [words, expected] of cases)
    assert.deepEqual(inBash(script, words).toSorted(), expected.toSorted(), words.join(' '))
  for (const command of inBash(script, [''])) {
    const flags = inBash(script, [command, '--'])
    assert.ok(flags.includes('--help'), command)
    const { stdout: help } = await soma(t, command, '--help')
    const [own = ''] = help.split('Examples:')
    const inHelp = [...own.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
    assert.deepEqual(flags.filter((flag) => flag.startsWith('--')).toSorted(), inHelp.toSorted(), command)
  }
})

test('fish completes the same', { skip: isMissing('fish') }, async (t) => {
  const { stdout: script } = await soma(t, 'completion', 'fish')
  await writeFile(join(directory, 'soma-p2p.fish'), script)
  const offered = (line: string): string[] => {
    const { stdout, stderr } = run('fish', `source soma-p2p.fish; complete -C '${line}'`)
    assert.equal(stderr, '')
    return stdout.split('\n').flatMap((each) => each.split('\t')[0] || [])
  }
  assert.deepEqual(offered('soma-p2p ins'), ['inspect'])
  assert.deepEqual(offered('soma-p2p inspect ').toSorted(), ['block', 'commit', 'store', 'verify'])
  assert.deepEqual(offered('soma-p2p inspect verify --fr'), ['--from'])
  assert.deepEqual(offered('soma-p2p node --consensus '), ['none', 'scripted'])
  assert.deepEqual(offered('soma-p2p node --config no'), ['node.yaml'])
  assert.deepEqual(offered('soma-p2p node --data-dir d'), ['data one/'])
})

test('the script for zsh is one', { skip: isMissing('zsh') }, async (t) => {
  const { stdout: script } = await soma(t, 'completion', 'zsh')
  await writeFile(join(directory, '_soma-p2p'), script)
  const { status, stderr } = run(
    'zsh',
    'zsh -n _soma-p2p && autoload -Uz compinit && compinit -D -u && source ./_soma-p2p && (( $+functions[__soma_p2p_inspect_verify] ))'
  )
  assert.deepEqual([status, stderr], [0, ''])
})

test('another shell is refused, and those that there are are named', async (t) => {
  const { exitCode, stderr } = await soma(t, 'completion', 'tcsh')
  assert.equal(exitCode, 2)
  assert.match(stderr, /Allowed choices are bash, zsh, fish\./)
})
