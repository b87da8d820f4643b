/** A field for a number. It takes a value when the user leaves the field or presses Enter. */
import { useEffect, useState } from 'preact/hooks';

interface NumberFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  /** Which values are accepted, in words. */
  readonly rule: string;
  readonly accepts: (value: number) => boolean;
  readonly commit: (value: number) => void;
}

export function NumberField({ id, label, value, rule, accepts, commit }: NumberFieldProps) {
  const [text, setText] = useState(String(value));
  const [isWrong, setWrong] = useState(false);
  useEffect(() => {
    setText(String(value));
    setWrong(false);
  }, [value]);
  const take = (): void => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    setWrong(!accepts(number));
    if (accepts(number) && number !== value) commit(number);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        inputMode="decimal"
        autocomplete="off"
        value={text}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${id}-rule` : undefined}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={take}
        onKeyDown={(event) => event.key === 'Enter' && take()}
      />
      {isWrong && (
        <p id={`${id}-rule`} class="wrong" role="alert">
          Give {rule}. The value before, {value}, is still used.
        </p>
      )}
    </div>
  );
}
