import { type Parser, parsers } from '@scaler/runtime';
import { type MetricSource, metricSources } from '@scaler/scaler-types';

const words = parsers.list(parsers.oneOf('none', ...metricSources));

/** The sources that are asked, in order; `none` alone for no source. */
export const metricsSourceParser: Parser<readonly MetricSource[]> = {
  kind: 'source,…',
  allowed: `none, or a list, separated by commas, of: ${metricSources.join(', ')}`,
  schema: words.schema,
  parse: (text) => {
    const result = words.parse(text);
    if (!result.ok) return result;
    const sources = [...new Set(result.value)].filter((word) => word !== 'none');
    if (result.value.length === 0 || (result.value.includes('none') && sources.length > 0)) return { ok: false };
    return { ok: true, value: sources };
  },
  format: (sources) => (sources.length === 0 ? 'none' : sources.join(',')),
  merge: (values) => [...new Set(values.flat())],
};
