import { bytes } from './format';

/** The panel of the step "Model". */
export const MODEL = {
  about:
    'The built-in model is small and was trained on tickets of the same generator (with other seeds), so that you can try everything at once. It says nothing about your own model.',
  useBuiltin: 'Use the built-in model',
  files:
    'Files from this device: one .gguf, or safetensors with config.json and tokenizer.json. They stay on this device.',
  storing: (done: number, of: number) => `Storing: ${bytes(done)} of ${bytes(of)}`,
  use: 'Use it',
  chosen: 'Chosen',
  repository: 'Repository on the Hugging Face Hub',
  repositoryForm: 'owner/name',
  revision: 'Revision',
  privacy:
    'Only a Hub model talks to another server: when you press Run, its files come from huggingface.co. Tickets are never sent.',
} as const;
