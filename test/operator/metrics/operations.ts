import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** An absolute path in `operations/`. */
export const operationsPath = (name: string): string =>
  fileURLToPath(new URL(`../../../operations/${name}`, import.meta.url))

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

export interface Dashboard {
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly panels: readonly Panel[]
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
  }[]
}

const read = (name: string): string => readFileSync(operationsPath(name), 'utf8')

export const dashboard: Dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard
export const rules: readonly AlertRule[] = (
  parse(read('alert-rules.yaml')) as { groups: { rules: AlertRule[] }[] }
).groups.flatMap((group) => group.rules)
export const ruleTests: RuleTests['tests'] = (parse(read('alert-rules.test.yaml')) as RuleTests).tests

/** Names of metrics in an expression of PromQL, those of histograms without the suffix of their parts. */
export function metricNames(expr: string): string[] {
  const names = expr.match(/\b(?:soma_p2p|libp2p|nodejs|process)_[a-z0-9_]+/g) ?? []
  return [...new Set(names)]
}

/** Why tests that need a program are skipped; `false` where it is there. */
export function skipWithout(program: string): string | false {
  const { status } = spawnSync(program, ['--version'], { stdio: 'ignore' })
  return status === 0 ? false : `${program} is not installed; on Debian it comes with the package prometheus`
}
