import { taskOf, TEXT_BUDGET } from '../data/tasks';
import type { Templates } from '../schema/plan';
import type { TaskName } from '../schema/run';

/** A task as the example page does it: prompts with `{text}` where the ticket goes, and what is made of the answer. */
export interface PageTask {
  name: TaskName;
  title: string;
  messages: { role: string; content: string }[];
  /** The allowed causes, of which the likeliest is the answer; null where the model writes. */
  causes: readonly string[] | null;
  maxNewTokens: number;
}

const PLACE = '{text}';

/** Tasks of a plan with its own prompts, its causes filled in. */
export const pageTasks = (
  names: readonly TaskName[],
  templates: Templates | undefined,
  causes: readonly string[],
  maxNewTokens: number,
): PageTask[] =>
  names.map((name) => {
    const task = taskOf(name, templates);
    const empty = { id: 'page', text: PLACE, cause: null, response: null, group: null, time: null };
    return {
      name,
      title: task.title,
      messages: task.messages(empty, causes),
      causes: task.scored === 'labels' ? causes : null,
      maxNewTokens: Math.min(maxNewTokens, task.maxNewTokens),
    };
  });

/** Where the page finds the library and the runtime, relative to itself. */
export const RUNTIME_FOLDER = 'runtime';
export const RUNTIME_FILES = {
  library: 'transformers.min.js',
  mjs: 'ort-wasm-simd-threaded.asyncify.mjs',
  wasm: 'ort-wasm-simd-threaded.asyncify.wasm',
} as const;

/** JSON inside a script element: nothing in it ends the element. */
const embedded = (value: unknown) => JSON.stringify(value).replace(/</g, '\\u003c');

/**
 * A page that runs the exported model in Transformers.js, for every task of the plan: one file, no build, nothing from
 * another host. `id` is safe in HTML.
 */
export const examplePage = (o: { id: string; dtype: string; tasks: readonly PageTask[] }) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <link rel="icon" href="data:," />
  <title>${o.id}</title>
  <style>
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
    body { max-width: 720px; margin: 32px auto; padding: 0 16px; }
    textarea { width: 100%; box-sizing: border-box; font: inherit; }
    pre { white-space: pre-wrap; font: inherit; }
  </style>
  <h1>${o.id}</h1>
  <label for="ticket">Ticket</label>
  <textarea id="ticket" rows="6"></textarea>
  <p><button id="run" disabled>Answer</button> <span id="status" role="status">Loading the model.</span></p>
  <div id="answers"></div>
  <script type="application/json" id="tasks">${embedded(o.tasks)}</script>
  <script type="module">
    import { env, pipeline, Tensor, TextStreamer } from './${RUNTIME_FOLDER}/${RUNTIME_FILES.library}';

    const here = (path) => new URL(path, location.href).href;
    const byId = (id) => document.getElementById(id);
    const [run, status, answers] = ['run', 'status', 'answers'].map(byId);
    const tasks = JSON.parse(byId('tasks').textContent);
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = new URL('./', location.href).pathname;
    env.useWasmCache = false;
    env.backends.onnx.wasm.wasmPaths = {
      mjs: here('./${RUNTIME_FOLDER}/${RUNTIME_FILES.mjs}'),
      wasm: here('./${RUNTIME_FOLDER}/${RUNTIME_FILES.wasm}'),
    };
    const fields = tasks.map(({ name, title }) => {
      const head = document.createElement('h2');
      const field = document.createElement('pre');
      head.textContent = title;
      field.id = name;
      answers.append(head, field);
      return field;
    });

    let model;
    try {
      model = await pipeline('text-generation', 'model', { dtype: '${o.dtype}', device: 'wasm' });
      status.textContent = 'Ready.';
      run.disabled = false;
    } catch (error) {
      status.textContent = 'The model could not be loaded: ' + error.message + ' Serve this folder over HTTP.';
      throw error;
    }
    const { tokenizer } = model;

    /** The ticket on one line, cut at a word, as while it was measured. */
    const cut = (text, budget = ${TEXT_BUDGET}) => {
      const line = text.replace(/\\s+/g, ' ').trim();
      if (line.length <= budget) return line;
      const head = line.slice(0, budget - 4);
      const space = head.lastIndexOf(' ');
      return (space > head.length / 2 ? head.slice(0, space) : head).trimEnd() + ' ...';
    };
    const fill = (messages, text) =>
      messages.map((m) => ({ ...m, content: m.content.split('${PLACE}').join(cut(text)) }));
    const idsOf = (text) => tokenizer.encode(text, { add_special_tokens: false });
    const promptOf = (messages) =>
      idsOf(tokenizer.apply_chat_template(messages, { add_generation_prompt: true, tokenize: false }));
    const int64 = (list) => new Tensor('int64', BigInt64Array.from(list, BigInt), [1, list.length]);

    /** One pass behind a cache: rows of logits, and the cache that it leaves. */
    async function pass(ids, past, length) {
      const out = await model.model({
        input_ids: int64(ids),
        attention_mask: int64(Array(length + ids.length).fill(1)),
        ...(past ? { past_key_values: past } : {}),
      });
      const next = {};
      for (const [name, value] of Object.entries(out))
        if (name.startsWith('present')) next[name.replace('present', 'past_key_values')] = value;
      const size = out.logits.dims[2];
      return { row: (i) => out.logits.data.subarray(i * size, (i + 1) * size), past: next };
    }
    const logProbability = (row, id) => {
      let top = -Infinity;
      for (const x of row) if (x > top) top = x;
      let sum = 0;
      for (const x of row) sum += Math.exp(x - top);
      return row[id] - top - Math.log(sum);
    };

    /** The likeliest of the allowed causes, each ended by the end-of-turn token, and its share. */
    async function choose(messages, causes) {
      const eos = [model.model.generation_config?.eos_token_id ?? model.model.config.eos_token_id].flat()[0];
      const prompt = promptOf(messages);
      const read = await pass(prompt, null, 0);
      const first = read.row(prompt.length - 1).slice();
      const scores = [];
      for (const cause of causes) {
        const ids = [...idsOf(cause), eos];
        let score = logProbability(first, ids[0]);
        if (ids.length > 1) {
          const { row } = await pass(ids.slice(0, -1), read.past, prompt.length);
          for (let i = 1; i < ids.length; i++) score += logProbability(row(i - 1), ids[i]);
        }
        scores.push(score);
      }
      const top = Math.max(...scores);
      const share = 1 / scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      return causes[scores.indexOf(top)] + ' (' + Math.round(share * 100) + ' % of the causes it knows)';
    }

    async function write(messages, limit, field) {
      await model(messages, {
        max_new_tokens: limit,
        do_sample: false,
        streamer: new TextStreamer(tokenizer, {
          skip_prompt: true,
          skip_special_tokens: true,
          callback_function: (text) => (field.textContent += text),
        }),
      });
    }

    run.onclick = async () => {
      run.disabled = true;
      for (const field of fields) field.textContent = '';
      const start = performance.now();
      try {
        for (const [i, task] of tasks.entries()) {
          status.textContent = task.title + ' ...';
          const messages = fill(task.messages, byId('ticket').value);
          if (task.causes) fields[i].textContent = await choose(messages, task.causes);
          else await write(messages, task.maxNewTokens, fields[i]);
        }
        status.textContent = Math.round(performance.now() - start) + ' ms.';
      } catch (error) {
        status.textContent = 'It failed: ' + error.message;
        throw error;
      } finally {
        run.disabled = false;
      }
    };
  </script>
</html>
`;
