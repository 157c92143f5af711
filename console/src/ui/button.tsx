import type { ButtonHTMLAttributes, ReactNode } from 'react';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'primary' | 'danger' | 'plain';
  readonly icon?: ReactNode;
}

/** @example <Button look="primary" onClick={save}>Save</Button> */
export function Button({ look, icon, children, className = '', ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button ${look ?? ''} ${className}`} {...rest}>
      {icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, 'children'> {
  /** What it does, for screen readers and as a tooltip. */
  readonly label: string;
  readonly icon: ReactNode;
}

export function IconButton({ label, className = '', ...rest }: IconButtonProps) {
  return <Button look="plain" aria-label={label} title={label} className={`icon ${className}`} {...rest} />;
}
